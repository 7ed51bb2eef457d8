import { fileURLToPath } from 'node:url';

/** A file of the build that `pretest` has made, for tests that start processes of their own. */
export const built = (path: string) => fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));
