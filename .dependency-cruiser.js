/** The house, as rules. Each says why. `npm run deps` holds the code against them. */

/** Which modules a module may import, besides platform and auth's guard, roles, scopes and register of guests' heirs. */
const HOUSE = {
  // Who has changed what by hand. Whoever lets admins change something writes it there; it knows nobody.
  trail: [],
  event: ['trail'],
  storefront: ['trail'],
  product: ['storefront', 'trail'],
  discount: ['event', 'trail'],
  points: ['event'],
  inventory: ['product', 'event', 'trail'],
  cart: ['product'],
  order: ['product', 'inventory', 'discount', 'points', 'event', 'trail'],
  payment: ['event'],
  checkout: ['cart', 'order', 'payment', 'trail'],
  // Reads everybody's tables and asks nobody's code: what it proves must not rest on what it checks.
  audit: [],
  webhook: ['event', 'trail'],
};
const MODULES = [...Object.keys(HOUSE), 'auth', 'admin'];
/** What a module shows to others; everything else in it is its own. */
const OPEN = '\\.(module|service|types|errors|events|dto|view)\\.ts$|-states\\.ts$';

const neighbours = Object.entries(HOUSE).map(([name, allowed]) => ({
  name: `${name}-imports`,
  comment: `The table in docs/architecture.md: ${name} may import ${allowed.join(', ') || 'the platform only'}.`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: {
    path: `^src/(${MODULES.filter((other) => other !== name && !allowed.includes(other)).join('|')})/`,
    pathNot: '^src/auth/(roles|scopes|auth\\.guard|guest-heirs)\\.ts$',
  },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...neighbours,
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one file, or hide a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'platform-knows-no-business',
      comment: 'The platform would fit another shop, or no shop at all.',
      severity: 'error',
      from: { path: '^src/platform/' },
      to: { path: '^src/(?!platform/)' },
    },
    {
      name: 'through-the-front-door',
      comment: "Another module's repository, controller and decisions are its own business.",
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: {
        path: '^src/([^/]+)/',
        pathNot: [
          '^src/$1/',
          '^src/platform/',
          '^src/auth/(roles|scopes|auth\\.guard|guest-heirs)\\.ts$',
          OPEN,
          '^src/payment/gateway/payment-gateway\\.ts$',
          '^src/event/consumers\\.ts$',
        ],
      },
    },
    {
      name: 'sandbox-stands-alone',
      comment: 'The bundled gateway is the far side of the provider: it must not see what the service knows.',
      severity: 'error',
      from: { path: '^src/payment/sandbox/' },
      to: { path: '^src/(?!payment/sandbox/)', pathNot: 'yookassa-amount' },
    },
    {
      name: 'admin-page-stands-alone',
      comment: "The admin's page knows the API, and nothing else of the service.",
      severity: 'error',
      from: { path: '^admin/' },
      to: { path: '^(src|test)/' },
    },
    {
      name: 'no-sql-outside-repositories',
      comment:
        'All SQL and all locks of a table stand in one file. The audit reads across them, and locks nothing.',
      severity: 'error',
      from: { path: '^src/(?!platform/)', pathNot: '\\.repository\\.ts$|^src/audit/checks/' },
      to: { path: '^src/platform/database/statement\\.ts$' },
    },
    {
      name: 'no-unlisted-packages',
      comment: 'What is imported is named in package.json.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] },
    },
    {
      name: 'no-dev-packages-in-src',
      comment: 'The service runs without its tools.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // TypeScript 7 has no API for other tools yet; swc parses the same syntax.
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
