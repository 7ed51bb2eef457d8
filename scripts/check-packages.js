// Are the packages that go into production the ones that were meant, and without known holes? `npm run packages`, part of the
// check. Not every registry can tell of holes: one that cannot is said aloud and is no failure, a hole is one.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const LEVEL = 'high';
const LEVELS = ['critical', 'high'];

const faults = lockfileFaults(JSON.parse(readFileSync('package-lock.json', 'utf8')));
if (faults.length === 0)
  console.log('package-lock.json: every package has its checksum, and none a host of its own.');
else fail(['package-lock.json is not to be trusted:', ...faults]);

const report = audit();
if (report.vulnerabilities !== undefined) {
  const holes = Object.values(report.vulnerabilities).filter(({ severity }) => LEVELS.includes(severity));
  if (holes.length > 0) fail(['Packages with known holes:', ...holes.map(describeHole)]);
  else console.log(`npm audit: no known hole of level ${LEVEL} or above.`);
} else if (report.statusCode !== undefined || /^(request to|network timeout)/.test(report.message)) {
  warn(`NOT AUDITED: the registry offers no audit (${report.message}).`);
  warn('Whether a package has a known hole was NOT looked at. Run this again with a registry that knows.');
} else {
  fail(['npm audit answered what cannot be understood:', JSON.stringify(report)]);
}

/** The tarballs come from the configured registry, whichever that is, and are what they were when somebody looked. */
function lockfileFaults({ lockfileVersion, packages = {} }) {
  if (lockfileVersion !== 3) return [`its version is ${lockfileVersion}, and 3 is understood`];
  return Object.entries(packages).flatMap(([path, entry]) => {
    if (path === '') return [];
    const said = [];
    if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(entry.integrity ?? ''))
      said.push(`${path} has no sha512 checksum`);
    if (entry.resolved !== undefined) said.push(`${path} names where it comes from: ${entry.resolved}`);
    if (entry.link) said.push(`${path} is a link`);
    return said;
  });
}

/** What npm reports, or how it failed, as the JSON that it prints either way. */
function audit() {
  const options = [
    '--omit=dev',
    `--audit-level=${LEVEL}`,
    '--json',
    '--fetch-retries=1',
    '--fetch-retry-mintimeout=500',
  ];
  const { stdout, stderr, error } = spawnSync('npm', ['audit', ...options], { encoding: 'utf8' });
  if (error) fail(['npm cannot be run:', error.message]);
  try {
    return JSON.parse(stdout);
  } catch {
    fail(['npm audit answered what cannot be understood:', stdout, stderr]);
  }
}

function describeHole({ name, severity, via }) {
  const advisories = via.map((cause) =>
    typeof cause === 'string' ? `by ${cause}` : `${cause.title} ${cause.url}`,
  );
  return `${name} (${severity}): ${advisories.join('; ')}`;
}

function warn(line) {
  console.warn(`\n!!! ${line}`);
}

function fail(lines) {
  console.error(lines.join('\n  '));
  process.exit(1);
}
