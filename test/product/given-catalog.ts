import type { TestApp, TestDatabase } from '../support/boot.js';
import { type GivenUser, givenAdmin } from '../support/given.js';
import { type Answer, call, type Wish } from '../support/given-shop.js';

let count = 0;

/** A sku that no other product has. */
export const freshSku = (): string => `SKU-${++count}`;

/** An admin who looks after the catalog, over HTTP. */
export class Merchant {
  private constructor(
    private readonly app: TestApp,
    readonly user: GivenUser,
  ) {}

  static async at(app: TestApp, database: TestDatabase): Promise<Merchant> {
    return new Merchant(app, await givenAdmin(app, database));
  }

  send(method: string, path: string, wish?: Wish): Promise<Answer> {
    return call(this.app, this.user, method, path, wish);
  }

  /** The same request, without a token. */
  asPublic(method: string, path: string, wish?: Wish): Promise<Answer> {
    return call(this.app, null, method, path, wish);
  }

  create(members: object = {}, key?: string): Promise<Answer> {
    const body = { sku: freshSku(), name: 'Lamp', price: 19.9, ...members };
    return this.send('POST', '/products', { body, key });
  }

  createVariant(parentId: number, members: object = {}, key?: string): Promise<Answer> {
    const body = { sku: freshSku(), price: 19.9, ...members };
    return this.send('POST', `/products/${parentId}/variants`, { body, key });
  }

  /** A product that has to be made. */
  async product(members: object = {}): Promise<any> {
    return mustBe(201, await this.create(members));
  }

  /** A variant that has to be made. */
  async variant(parentId: number, members: object = {}): Promise<any> {
    return mustBe(201, await this.createVariant(parentId, members));
  }

  change(id: number, members: object): Promise<Answer> {
    return this.send('PATCH', `/products/${id}`, { body: members });
  }

  /** The product as it is shown, to this admin or to the public. */
  async get(id: number): Promise<any> {
    return mustBe(200, await this.send('GET', `/products/${id}`));
  }

  async getAsPublic(id: number): Promise<any> {
    return mustBe(200, await this.asPublic('GET', `/products/${id}`));
  }

  /** The page of the catalog that everybody sees. */
  async list(query = ''): Promise<any[]> {
    return mustBe(200, await this.asPublic('GET', `/products${query}`)).products;
  }
}

export function mustBe(status: number, answer: Answer): any {
  if (answer.status !== status) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A category that no other test has, for lists of one's own. */
export const freshCategory = (): string => `category-${++count}`;
