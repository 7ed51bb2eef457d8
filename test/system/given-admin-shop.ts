import { Place, type Service } from '../start/service.js';
import { cloneDatabase, type TestDatabase } from '../support/boot.js';

export const ADMIN = { email: 'admin@shop.example', password: 'correct horse battery' };
export const CUSTOMER = { email: 'ada@shop.example', password: 'correct horse battery' };

/** The built service with an admin, and the API as that admin calls it. */
export class AdminShop {
  private constructor(
    private readonly place: Place,
    private readonly database: TestDatabase,
    readonly service: Service,
    private readonly adminToken: string,
    private readonly customerToken: string,
  ) {}

  static async open(further: Record<string, string> = {}): Promise<AdminShop> {
    const [place, database] = await Promise.all([Place.make(), cloneDatabase()]);
    const settings = {
      DATABASE_URL: database.url,
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
      ...further,
    };
    const service = await place.start(settings);
    const { body } = await service.post('/api/v1/auth/login', ADMIN);
    return new AdminShop(place, database, service, body.access_token, await service.register(CUSTOMER.email));
  }

  get url(): string {
    return this.service.url;
  }

  async post(path: string, body: unknown = {}): Promise<any> {
    return (await this.service.post(`/api/v1${path}`, body, this.adminToken)).body;
  }

  async get(path: string): Promise<any> {
    return (await this.service.call(`/api/v1${path}`, { token: this.adminToken })).json();
  }

  async patch(path: string, body: unknown): Promise<void> {
    const init = { method: 'PATCH', body: JSON.stringify(body), token: this.adminToken };
    await this.service.call(`/api/v1${path}`, init);
  }

  /** The customer has ordered a mouse and two keyboards, and paid. @returns the order's id */
  async givenPaidOrder(): Promise<string> {
    const items = [
      { product_id: 2, quantity: 1 },
      { product_id: 3, quantity: 2 },
    ];
    const { body } = await this.service.post('/api/v1/orders', { items }, this.customerToken);
    await this.service.post(`/api/v1/orders/${body.id}/payments`, {}, this.customerToken);
    return body.id;
  }

  async close(): Promise<void> {
    this.service.kill('SIGTERM');
    await this.service.ended();
    await this.place.clear();
    await this.database.drop();
  }
}
