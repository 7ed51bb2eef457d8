import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces the file as a whole: after a power cut there is either the old text or the new one, never a part. */
export async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  const draft = `${path}.draft`;
  const file = await open(draft, 'w', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
}

/** Puts on disk that a file in the folder was made, renamed or removed. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
