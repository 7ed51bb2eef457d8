import request from 'supertest';
import { EventService } from '../../src/event/event.service.js';
import type { NewEvent } from '../../src/event/event.types.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import type { TestApp } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import type { GivenUser } from '../support/given.js';

const BASE = '/api/v1/admin';

/** The routes of webhooks, as an admin calls them. */
export class WebhookCalls {
  constructor(
    private readonly app: TestApp,
    private readonly admin: GivenUser,
  ) {}

  create(body: object) {
    return request(this.app.url).post(`${BASE}/webhook-endpoints`).set(this.admin.headers).send(body);
  }

  get(path: string) {
    return request(this.app.url).get(`${BASE}/${path}`).set(this.admin.headers);
  }

  change(id: number, body: object) {
    return request(this.app.url).patch(`${BASE}/webhook-endpoints/${id}`).set(this.admin.headers).send(body);
  }

  remove(id: number) {
    return request(this.app.url).delete(`${BASE}/webhook-endpoints/${id}`).set(this.admin.headers);
  }

  resend(id: string, headers: Record<string, string> = {}) {
    return request(this.app.url)
      .post(`${BASE}/webhook-deliveries/${id}/resend`)
      .set({ ...this.admin.headers, ...headers });
  }

  retry(letterId: string) {
    return request(this.app.url).post(`${BASE}/dead-letters/${letterId}/retry`).set(this.admin.headers);
  }

  async givenEndpoint(url: string, members: object = {}): Promise<{ id: number; secret: string }> {
    const answer = await this.create({ url, events: ['*'], ...members });
    expect(answer.status).toBe(201);
    return answer.body;
  }

  async deliveries(endpointId: number): Promise<Record<string, any>[]> {
    return (await this.get(`webhook-endpoints/${endpointId}/deliveries`)).body.deliveries;
  }

  /** The endpoint's only delivery, as soon as it is `status`. */
  async delivery(endpointId: number, status: string): Promise<Record<string, any>> {
    return eventually(async () => (await this.deliveries(endpointId)).find((one) => one.status === status), {
      what: `a ${status} delivery`,
      within: 20_000,
    });
  }

  /** Something happens in the shop. */
  async tell(...events: NewEvent[]): Promise<void> {
    const { app } = this.app;
    await app.get(DatabaseService).transaction((tx) => app.get(EventService).append(events, tx));
  }
}
