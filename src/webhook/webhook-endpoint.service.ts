import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { ValidationFailed } from '../platform/errors.js';
import type { Answer } from '../platform/http/answer.js';
import { decodeCursor, encodeCursor, type PageQuery, pageOf } from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { AddressRefused } from './public-addresses.js';
import type { ChangeEndpointDto, CreateEndpointDto } from './webhook.dto.js';
import { EndpointNotFound } from './webhook.errors.js';
import type { Endpoint, Subscription } from './webhook.types.js';
import {
  type EndpointPageView,
  type EndpointView,
  type NewEndpointView,
  viewOfEndpoint,
} from './webhook.view.js';
import { WebhookEndpointRepository } from './webhook-endpoint.repository.js';
import { WebhookSender } from './webhook-sender.js';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;
const NEWEST_FIRST = 'newest';

/** Who is told of events. */
@Injectable()
export class WebhookEndpointService {
  constructor(
    private readonly repository: WebhookEndpointRepository,
    private readonly sender: WebhookSender,
    private readonly database: DatabaseService,
    private readonly idempotency: IdempotencyService,
  ) {}

  /**
   * Adds an endpoint: 201. Its secret, given or made, is in this answer, in its repeat under the same claim, and in no other.
   * @throws ValidationFailed for a refused address.
   */
  async create(
    { url, events, secret, active }: CreateEndpointDto,
    claim: Claim | null,
  ): Promise<Answer<NewEndpointView>> {
    this.assertAllowed(url);
    return this.idempotency.onceSealed(claim, 201, async (tx) => {
      const endpoint = { url, events: plainEvents(events), secret: plainSecret(secret), active };
      const made = await this.repository.insert(endpoint, tx);
      return { ...viewOfEndpoint(made), secret: endpoint.secret };
    });
  }

  /** Newest first. */
  async list(query: PageQuery): Promise<EndpointPageView> {
    const [before] = decodeCursor(NEWEST_FIRST, ['number'], query.cursor) ?? [null];
    const endpoints = await this.repository.list(before as number | null, query.limit + 1);
    const { rows, next_cursor } = pageOf(endpoints, query, viewOfEndpoint, ({ id }) =>
      encodeCursor(NEWEST_FIRST, [id]),
    );
    const total = query.count ? { total: await this.repository.count() } : {};
    return { webhook_endpoints: rows, next_cursor, ...total };
  }

  /** @throws EndpointNotFound */
  async get(id: number): Promise<EndpointView> {
    return viewOfEndpoint(found(await this.repository.find(id)));
  }

  /** Changes what is named; deliveries on their way go to the new address. @throws EndpointNotFound, ValidationFailed */
  async change(id: number, { url, events, secret, active }: ChangeEndpointDto): Promise<EndpointView> {
    if (url !== undefined) this.assertAllowed(url);
    const wish = {
      url,
      events: events && plainEvents(events),
      secret: secret && plainSecret(secret),
      active,
    };
    const changed = await this.database.transaction((tx) => this.repository.change(id, wish, tx));
    return viewOfEndpoint(found(changed));
  }

  /** Removes the endpoint with all its deliveries. @throws EndpointNotFound */
  async remove(id: number): Promise<void> {
    const removed = await this.database.transaction((tx) => this.repository.delete(id, tx));
    if (!removed) throw new EndpointNotFound();
  }

  private assertAllowed(url: string): void {
    try {
      this.sender.assertAllowed(url);
    } catch (error) {
      if (error instanceof AddressRefused) throw ValidationFailed.of('url', `url: ${error.message}`);
      throw error;
    }
  }
}

function found(endpoint: Endpoint | null): Endpoint {
  if (!endpoint) throw new EndpointNotFound();
  return endpoint;
}

const plainEvents = (events: Subscription[]): Subscription[] => (events.includes('*') ? ['*'] : events);

// A given one may come without its prefix: the receivers' libraries take it either way.
function plainSecret(secret: string | undefined): string {
  if (secret === undefined) return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
  return secret.startsWith(PREFIX) ? secret : PREFIX + secret;
}
