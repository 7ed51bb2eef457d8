import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where Debian puts what is not for every user's PATH. */
const FURTHER = ['/usr/sbin', ...postgresFolders()];

/** The path of an installed program. Throws a sentence that names the Debian package: no test is skipped for want of it. */
export function program(name: string, debianPackage = name): string {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...FURTHER];
  const found = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (!found) throw new Error(`${name} is not installed; on Debian: apt-get install ${debianPackage}`);
  return found;
}

/** Newest first. */
function postgresFolders(): string[] {
  try {
    const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => `/usr/lib/postgresql/${version}/bin`);
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
