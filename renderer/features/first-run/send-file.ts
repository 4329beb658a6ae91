import type { ErrorBody, ImportResult } from '#contracts/console-api.ts';
import { apiPath } from '../../lib/api.ts';

/** Hands a file to the engine. `onpart`: 0-1, how much is sent. XMLHttpRequest, because fetch tells no progress. */
export function sendFile(file: File, onpart: (part: number) => void): Promise<ImportResult> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', apiPath('import', { name: file.name }));
    request.upload.onprogress = (event) => onpart(event.total > 0 ? event.loaded / event.total : 0);
    request.onerror = () => reject(new Error(`${file.name}: the engine does not answer`));
    request.onload = () => {
      try {
        const answer: unknown = JSON.parse(request.responseText);
        if (request.status < 300) resolve(answer as ImportResult);
        else reject(new Error(`${(answer as ErrorBody).error.message} ${(answer as ErrorBody).error.todo}`));
      } catch {
        reject(new Error(`${file.name}: ${request.status} ${request.statusText}`));
      }
    };
    request.send(file);
  });
}
