import { SandboxFixture, Shop } from './given-sandbox.js';

interface List {
  type: string;
  items: { id: string; [member: string]: unknown }[];
  next_cursor?: string;
}

describe("the sandbox gateway's lists", () => {
  const sandbox = new SandboxFixture();
  let shop: Shop;

  beforeEach(async () => {
    await sandbox.prepare();
    shop = new Shop((await sandbox.start()).url);
  });
  afterEach(() => sandbox.cleanUp());

  const list = async (path: string, params: Record<string, string> = {}) =>
    (await shop.get<List>(`/v3/${path}?${new URLSearchParams(params)}`)).body;

  async function givenPayments(count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let n = 0; n < count; n += 1) ids.unshift((await shop.pay(`k${n}`)).body.id);
    return ids;
  }

  it('shows payments as they stand, newest first, ten at a time', async () => {
    const ids = await givenPayments(12);
    const first = await list('payments');
    expect(first.items[0]).toEqual((await shop.get(`/v3/payments/${ids[0]}`)).body);
    const second = await list('payments', { cursor: first.next_cursor ?? '' });
    expect([first.items.length, second.items.length]).toEqual([10, 2]);
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids);
    expect(first.type).toBe('list');
    expect(second).not.toHaveProperty('next_cursor');
  });

  it('skips and repeats nothing while new payments come, also after a restart', async () => {
    const ids = await givenPayments(4);
    const first = await list('payments', { limit: '2' });
    await shop.pay('new');
    const again = new Shop((await sandbox.start()).url);
    const path = `/v3/payments?limit=2&cursor=${first.next_cursor}`;
    const { body } = await again.get<List>(path);
    expect([...first.items, ...body.items].map(({ id }) => id)).toEqual(ids);
    expect(body).not.toHaveProperty('next_cursor');
  });

  it('ends where payments are older than asked for', async () => {
    await givenPayments(1);
    const created_at = (await list('payments')).items[0]?.created_at as string;
    expect((await list('payments', { 'created_at.gte': created_at })).items).toHaveLength(1);
    const later = new Date(Date.parse(created_at) + 1).toISOString();
    expect(await list('payments', { 'created_at.gte': later })).toEqual({ type: 'list', items: [] });
  });

  it('shows the refunds of one payment or of all, with their words kept over a restart', async () => {
    const [one, other] = (await givenPayments(2)) as [string, string];
    const amount = { value: '1.00', currency: 'USD' };
    const words = { description: 'Too small [r1]', metadata: { why: 'size' } };
    await shop.post('/v3/refunds', 'r1', { payment_id: one, amount, ...words });
    await shop.refund('r2', other, '1.00');
    await shop.refund('r3', one, '2.00');
    shop = new Shop((await sandbox.start()).url);
    expect((await list('refunds')).items).toHaveLength(3);
    const { items } = await list('refunds', { payment_id: one });
    expect(items).toMatchObject([{ amount: { value: '2.00' } }, { amount, ...words }]);
    const first = await list('refunds', { payment_id: one, limit: '1' });
    expect(await list('refunds', { payment_id: one, limit: '1', cursor: first.next_cursor ?? '' })).toEqual({
      type: 'list',
      items: [items[1]],
    });
  });

  it.each([
    ['payments', { limit: '0' }, 'limit'],
    ['payments', { limit: '101' }, 'limit'],
    ['payments', { limit: 'many' }, 'limit'],
    ['payments', { cursor: '-1' }, 'cursor'],
    ['payments', { 'created_at.gte': 'yesterday' }, 'created_at.gte'],
    ['payments', { payment_id: 'p' }, 'payment_id'],
    ['payments', { status: 'succeeded' }, undefined],
    ['refunds', { payment_id: '' }, 'payment_id'],
  ])('refuses %s with %j', async (path, params, parameter) => {
    const answer = await shop.get(`/v3/${path}?${new URLSearchParams(params as Record<string, string>)}`);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(answer.body.parameter).toBe(parameter);
  });

  it('are not for strangers', async () => {
    const { url } = await sandbox.start();
    expect((await new Shop(url, 'Basic nothing').get('/v3/payments')).status).toBe(401);
  });
});
