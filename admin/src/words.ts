import polyglotI18nProvider from 'ra-i18n-polyglot';
import englishMessages from 'ra-language-english';
import type { AdminResource } from './registry';

/** What is done is a thing of the shop, not an element. */
const NOTICES = { created: 'Saved.', updated: 'Saved.' };

/** react-admin's own words, with what a resource and one of it are called. */
export function wordsOf(resources: readonly AdminResource[]) {
  const names = resources
    .filter(({ label }) => label)
    .map(({ name, label, one = label }) => [name, { name: `${one} |||| ${label}` }]);
  const messages = {
    ...englishMessages,
    ra: { ...englishMessages.ra, notification: { ...englishMessages.ra.notification, ...NOTICES } },
    resources: Object.fromEntries(names),
  };
  return polyglotI18nProvider(() => messages, 'en', [{ locale: 'en', name: 'English' }], {
    allowMissing: true,
  });
}
