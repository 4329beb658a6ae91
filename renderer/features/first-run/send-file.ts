import type { ErrorBody, ImportResult } from '#contracts/console-api.ts';
import { ApiError, apiPath } from '../../lib/api.ts';

/** Hands a file to the engine. `onpart`: 0-1, how much is sent. XMLHttpRequest, because fetch tells no progress. */
export function sendFile(file: File, onpart: (part: number) => void): Promise<ImportResult> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', apiPath('import', { name: file.name }));
    request.upload.onprogress = (event) => onpart(event.total > 0 ? event.loaded / event.total : 0);
    request.onerror = () => reject(new ApiError(0, 'away', '', ''));
    request.onload = () => {
      try {
        const answer: unknown = JSON.parse(request.responseText);
        if (request.status < 300) resolve(answer as ImportResult);
        else reject(refused(request.status, answer as ErrorBody));
      } catch {
        reject(new Error(`${file.name}: ${request.status} ${request.statusText}`));
      }
    };
    request.send(file);
  });
}
const refused = (status: number, { error: { code, message, todo } }: ErrorBody): ApiError => new ApiError(status, code, message, todo);
