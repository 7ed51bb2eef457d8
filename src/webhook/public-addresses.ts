import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

type Family = 'ipv4' | 'ipv6';

/** IANA's special-purpose registries: everything that is not, or not certainly, a place on the public internet. */
const SPECIAL: [network: string, prefix: number, family: Family][] = [
  ['0.0.0.0', 8, 'ipv4'], // this host
  ['10.0.0.0', 8, 'ipv4'], // private
  ['100.64.0.0', 10, 'ipv4'], // carrier-grade NAT
  ['127.0.0.0', 8, 'ipv4'], // loopback
  ['169.254.0.0', 16, 'ipv4'], // link-local, and the clouds' metadata
  ['172.16.0.0', 12, 'ipv4'], // private
  ['192.0.0.0', 24, 'ipv4'], // protocol assignments
  ['192.0.2.0', 24, 'ipv4'], // documentation
  ['192.88.99.0', 24, 'ipv4'], // 6to4 relays
  ['192.168.0.0', 16, 'ipv4'], // private
  ['198.18.0.0', 15, 'ipv4'], // benchmarks
  ['198.51.100.0', 24, 'ipv4'], // documentation
  ['203.0.113.0', 24, 'ipv4'], // documentation
  ['224.0.0.0', 4, 'ipv4'], // multicast
  ['240.0.0.0', 4, 'ipv4'], // reserved, and broadcast
  ['2001::', 23, 'ipv6'], // protocol assignments, Teredo
  ['2001:db8::', 32, 'ipv6'], // documentation
  ['2002::', 16, 'ipv6'], // 6to4: holds any IPv4 address
  ['3fff::', 20, 'ipv6'], // documentation
];
const special = blockListOf(SPECIAL);
// All that is given out so far. Loopback, link-local, unique local, multicast, and every way to write an IPv4 address in an
// IPv6 one lie outside of it, with whatever may be invented there.
const globalUnicast6 = blockListOf([['2000::', 3, 'ipv6']]);

function blockListOf(networks: [string, number, Family][]): BlockList {
  const list = new BlockList();
  for (const [network, prefix, family] of networks) list.addSubnet(network, prefix, family);
  return list;
}

/** Whether an IP address is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !special.check(address, 'ipv4');
  if (version !== 6 || address.includes('%')) return false;
  return globalUnicast6.check(address, 'ipv6') && !special.check(address, 'ipv6');
}

/** A name that leads, or may lead, to an address that is not public. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';

  constructor(host: string) {
    super(`${host} is not a public address`);
  }
}

/**
 * Refuses what an address says openly: one that is not public, in whatever notation, or this very machine by its name. What
 * other names lead to is known only when they are looked up, by `publicLookup`.
 * @throws AddressRefused
 */
export function assertMayBePublic({ hostname }: URL): void {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const refused = isIP(host) > 0 ? !isPublicAddress(host) : /(^|\.)localhost$/.test(host);
  if (refused) throw new AddressRefused(host);
}

/**
 * A lookup for the agent that connects. The addresses that pass are the very ones that are connected to, so a name that
 * leads somewhere else the next time it is asked gains nothing. One bad address among good ones refuses them all.
 */
export function publicLookup(lookup: typeof systemLookup = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const first = addresses?.[0];
      if (error || first === undefined) {
        callback(error ?? new AddressRefused(hostname), []);
      } else if (!addresses.every(({ address }) => isPublicAddress(address))) {
        callback(new AddressRefused(hostname), []);
      } else if (options.all) {
        callback(null, addresses);
      } else {
        callback(null, first.address, first.family);
      }
    });
  };
}
