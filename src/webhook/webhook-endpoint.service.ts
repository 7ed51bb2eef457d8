import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { ValidationFailed } from '../platform/errors.js';
import type { Answer } from '../platform/http/answer.js';
import { decodeCursor, encodeCursor, type PageQuery, pageOf } from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { AdminActions } from '../trail/admin-actions.service.js';
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
    private readonly trail: AdminActions,
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
      await this.note('created', null, stateOf(made), tx);
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
    const changed = await this.database.transaction(async (tx) => {
      const before = found(await this.repository.lock(id, tx));
      const after = found(await this.repository.change(id, wish, tx));
      const now = secret === undefined ? stateOf(after) : { ...stateOf(after), secret: 'replaced' };
      await this.note('changed', stateOf(before), now, tx);
      return after;
    });
    return viewOfEndpoint(changed);
  }

  /** Removes the endpoint with all its deliveries. @throws EndpointNotFound */
  async remove(id: number): Promise<void> {
    await this.database.transaction(async (tx) => {
      const removed = found(await this.repository.delete(id, tx));
      await this.note('removed', stateOf(removed), null, tx);
    });
  }

  private async note(
    done: 'created' | 'changed' | 'removed',
    before: EndpointState | null,
    after: EndpointState | null,
    tx: Tx,
  ): Promise<void> {
    const entity_id = (after ?? before)?.id as number;
    const step = { action: `webhook_endpoint.${done}`, entity: 'webhook_endpoint', entity_id } as const;
    await this.trail.record([{ ...step, before, after }], tx);
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

type EndpointState = ReturnType<typeof stateOf>;

// Many addresses carry a secret in their path, and what is noted stays for ever: no more of it than a mark by which one sees
// that it has changed.
function stateOf({ id, url, events, active }: Endpoint) {
  const url_mark = createHash('sha256').update(url).digest('hex').slice(0, 12);
  return { id, url: new URL(url).origin, url_mark, events, active };
}

const plainEvents = (events: Subscription[]): Subscription[] => (events.includes('*') ? ['*'] : events);

// A given one may come without its prefix: the receivers' libraries take it either way.
function plainSecret(secret: string | undefined): string {
  if (secret === undefined) return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
  return secret.startsWith(PREFIX) ? secret : PREFIX + secret;
}
