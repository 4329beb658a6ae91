import { ApiError } from '../../lib/api.ts';

/** Hands the exported file to the browser; resolves with how many of its numbers are not equal. @throws ApiError */
export async function downloadPostmortem(incidentId: string, format: 'md' | 'html' | 'json'): Promise<number> {
  const answer = await fetch(`/console/postmortems/${encodeURIComponent(incidentId)}/export?format=${format}`, {
    credentials: 'same-origin',
  });
  if (!answer.ok) {
    const body = (await answer.json().catch(() => null)) as { error?: { code: string; message: string; todo: string } } | null;
    throw new ApiError(answer.status, body?.error?.code ?? 'internal', body?.error?.message ?? `${answer.status}`, body?.error?.todo ?? '');
  }
  const name = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1] ?? `postmortem.${format}`;
  const url = URL.createObjectURL(await answer.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
  return Number(answer.headers.get('x-unverified') ?? 0);
}
