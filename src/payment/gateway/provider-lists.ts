/** Nobody answers so for a while only, as a proxy or a page of maintenance does. 200 is an answer that has no list in it. */
const NO_LIST = new Set([200, 400, 404, 405, 410, 501]);

/** Whether this status means that the provider has no such list, and not that it should be asked later. */
export const isNoList = (status: number): boolean => NO_LIST.has(status);
