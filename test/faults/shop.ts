import { cloneDatabase, type TestDatabase } from '../support/boot.js';
import { givenProduct } from '../support/given-shop.js';
import { Chance } from './chance.js';
import { Client } from './client.js';
import { GatewayProcess } from './gateway-process.js';
import { Load } from './load.js';
import { PostgresProcess } from './postgres-process.js';
import { TcpProxy } from './proxy.js';
import { ADMIN, type Faults, ServiceProcess } from './service-process.js';
import { Verdict } from './verdict.js';

interface Options {
  /** A Postgres that can be killed, with these settings over production's. Else a database on the one of the test run. */
  ownPostgres?: Record<string, string>;
  /** The service reaches its database through `databaseProxy`. */
  databaseBehindProxy?: boolean;
  faults?: Faults;
  /** For the service. */
  settings?: Record<string, string>;
}

/** Everything that is real in a test: the service, the gateway, the database, and the network between them. */
export class Shop {
  private admin: string | undefined;

  private constructor(
    readonly chance: Chance,
    readonly database: TestDatabase,
    readonly gateway: GatewayProcess,
    readonly gatewayProxy: TcpProxy,
    readonly databaseProxy: TcpProxy,
    readonly service: ServiceProcess,
    readonly verdict: Verdict,
  ) {}

  /** With its service running. What is random in it comes from `name`. */
  static async open(name: string, options: Options = {}): Promise<Shop> {
    const database = options.ownPostgres
      ? await PostgresProcess.start(options.ownPostgres)
      : await cloneDatabase();
    const databaseUrl = new URL(database.url);
    const databaseProxy = await TcpProxy.to(Number(databaseUrl.port));
    if (options.databaseBehindProxy) databaseUrl.port = String(databaseProxy.port);
    const gateway = await GatewayProcess.start();
    const gatewayProxy = await TcpProxy.to(gateway.port);
    const service = await ServiceProcess.prepare({
      DATABASE_URL: databaseUrl.href,
      ...gateway.settings(gatewayProxy.port),
      ...options.settings,
    });
    const verdict = new Verdict(database, gateway);
    const shop = new Shop(new Chance(name), database, gateway, gatewayProxy, databaseProxy, service, verdict);
    await service.start(options.faults).catch(async (error) => {
      await shop.close().catch(() => undefined);
      throw error;
    });
    return shop;
  }

  /** The Postgres of `ownPostgres`. */
  get postgres(): PostgresProcess {
    return this.database as PostgresProcess;
  }

  client(): Client {
    return new Client(this.service.url);
  }

  /** Two products of which there is enough, and one of which there is not. */
  async products(): Promise<number[]> {
    return [
      await givenProduct(this.database, { price: 12.34, stock: 1_000_000 }),
      await givenProduct(this.database, { price: 5, stock: 1_000_000 }),
      await givenProduct(this.database, { price: 99.99, stock: 40 }),
    ];
  }

  async load(customers?: number): Promise<Load> {
    const products = await this.products();
    const adminToken = await this.adminToken();
    const { url } = this.service;
    return Load.begin({ url, chance: this.chance.of('load'), products, customers, adminToken });
  }

  async adminToken(): Promise<string> {
    if (!this.admin) {
      const call = { method: 'POST', path: '/auth/login', body: ADMIN } as const;
      const { body } = await this.client().insist(call);
      this.admin = body.access_token as string;
    }
    return this.admin;
  }

  /** Whether the audit of the service finds every promise kept; else what it finds. */
  async audit(): Promise<string[]> {
    const token = await this.adminToken();
    const answer = await this.client().insist({ method: 'GET', path: '/inventory/audit', token });
    const { consistent, checks } = answer.body;
    const broken = checks.filter(({ violations }: { violations: number }) => violations > 0);
    if (consistent !== (broken.length === 0)) return ['the audit contradicts itself'];
    return broken.map((check: object) => JSON.stringify(check));
  }

  /**
   * Ends the load, and asks everybody: nothing waits without a reason half a minute later, what clients were told is so,
   * and no money is where it should not be.
   */
  async expectAllIsWell(load: Load): Promise<void> {
    await load.end();
    await this.expectSettled();
    expect(await this.verdict.brokenWord(load.receipts)).toEqual([]);
    const { breaches } = load.client;
    expect({ breaches, logged: this.service.faultsLogged }).toEqual({ breaches: [], logged: [] });
    expect(load.receipts.acknowledged.length).toBeGreaterThan(0);
  }

  /** The half of it that is on record without any client. */
  async expectSettled(): Promise<void> {
    expect(await this.verdict.stuck()).toEqual([]);
    expect(await this.verdict.wrongMoney()).toEqual([]);
    expect(await this.audit()).toEqual([]);
    expect({ endedByItself: this.service.endedByItself, said: this.service.lastWords }).toMatchObject({
      endedByItself: 0,
    });
  }

  /** Also after all that, an orderly stop of the service ends with 0. */
  async close(): Promise<void> {
    const end = await this.service.close();
    await this.gateway.close();
    await Promise.all([this.gatewayProxy.close(), this.databaseProxy.close()]);
    await this.database.drop();
    if (end) throw new Error(`the service was stopped and has ended with ${end}: ${this.service.lastWords}`);
  }
}
