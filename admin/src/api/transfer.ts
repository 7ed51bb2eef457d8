import { HttpError } from 'react-admin';
import { addressOf, answerTo } from './call';
import { refusalOf } from './problem';
import { accessToken } from './session';

/**
 * Sends a file as it is. `fetch` does not tell how far it has come, so this does not use it.
 * @param onProgress is told which part, from 0 to 1, has been sent.
 * @throws HttpError
 */
export async function upload<T>(path: string, file: File, onProgress: (part: number) => void): Promise<T> {
  const token = await accessToken();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', addressOf(path));
    request.setRequestHeader('Authorization', `Bearer ${token}`);
    request.setRequestHeader('Content-Type', 'text/csv');
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onerror = () => reject(new HttpError('The file did not get through; send it again.', 0));
    request.onload = () => {
      const { status, responseText } = request;
      if (status >= 200 && status < 300) resolve(JSON.parse(responseText) as T);
      else reject(refusalOf(status, responseText, request.getResponseHeader('Retry-After')));
    };
    request.send(file);
  });
}

/** Fetches a file and hands it to the browser's downloads. @param onProgress is told how many bytes have come. */
export async function download(
  path: string,
  name: string,
  onProgress: (bytes: number) => void,
): Promise<void> {
  const { body } = await answerTo(path);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = body?.getReader();
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    parts.push(read.value);
    length += read.value.length;
    onProgress(length);
  }
  const address = URL.createObjectURL(new Blob(parts, { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
