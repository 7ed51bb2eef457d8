import type { Browser } from 'playwright-core';
import { eventually } from '../support/eventually.js';
import { Receiver, verified } from '../webhook/receiver.js';
import { AdminPage, openBrowser } from './browser.js';
import { ADMIN, AdminShop } from './given-admin-shop.js';

const CLOCK = { hour: 'numeric', minute: '2-digit', timeZone: 'UTC' } as const;
// What fails once is a dead letter at once.
const IMPATIENT = { EVENT_MAX_ATTEMPTS: '1', EVENT_RETRY_BASE_MS: '1' };

let shop: AdminShop;
let receiver: Receiver;
let browser: Browser;
let admin: AdminPage;

beforeAll(async () => {
  [shop, receiver, browser] = await Promise.all([AdminShop.open(IMPATIENT), Receiver.open(), openBrowser()]);
  admin = await AdminPage.open(browser, shop.url);
  await admin.signIn(ADMIN.email, ADMIN.password);
});

afterAll(async () => {
  await browser?.close();
  await receiver?.close();
  await shop?.close();
});

/** Opens a dialog by its button, and does what it is for. */
async function act(label: string, fill: () => Promise<void> = async () => undefined): Promise<void> {
  await admin.button(label).first().click();
  await fill();
  await admin.page.getByRole('dialog').getByRole('button', { name: label, exact: true }).click();
}

/** What the dialog tells this once. */
async function secretOnce(label: string): Promise<string> {
  const dialog = admin.page.getByRole('dialog');
  const secret = await dialog.getByLabel(label).inputValue();
  await admin.expectOpenToAllInAnyLight();
  // It would be lost.
  await admin.page.keyboard.press('Escape');
  await dialog.getByLabel(label).waitFor();
  await admin.button('I have kept it').click();
  await admin.settled();
  expect(await admin.page.getByText(secret).count()).toBe(0);
  return secret;
}

describe('the dashboard', () => {
  it('shows the figures of real orders, and leads to them', async () => {
    const orderId = await shop.givenPaidOrder();
    await shop.post(`/admin/orders/${orderId}/refund`, { amount: 9.97, reason: 'a scratch' });
    await shop.patch('/products/4', { low_stock_threshold: 200 });
    await admin.goto('/');
    expect(await admin.heading()).toBe('Dashboard');
    await admin.shows('$200.00');
    await admin.shows('$209.97 less $9.97 refunded');
    await admin.shows('150 of 200');
    await admin.shows('Every event is handed on.');
    await admin.page.locator('svg .MuiLineChart-line').waitFor();
    await admin.page
      .locator('svg .MuiBarElement-root, svg .MuiBarChart-element')
      .first()
      .waitFor({ state: 'attached' });
    await admin.page.getByRole('row', { name: / \$200\.00 1$/ }).waitFor({ state: 'attached' });
    await admin.expectOpenToAll();
    await admin.page.getByRole('link', { name: 'Paid' }).click();
    const link = admin.page.locator(`[title="${orderId}"]`);
    await link.waitFor();
    expect(await admin.heading()).toBe('Orders');
    await link.press('Enter');
    await admin.button(`Copy ${orderId}`).waitFor();
  });

  it('shows as many days as are asked for', async () => {
    await admin.visit('Dashboard');
    await admin.shows('Placed in the last 30 days');
    await admin.button('7 days').click();
    await admin.shows('Placed in the last 7 days');
  });
});

describe('reservations', () => {
  const find = async () => (await shop.get('/inventory/reservations?order_id=pos-7-42')).reservations[0];

  it('count down, and are extended as far as they may be', async () => {
    const items = [{ product_id: 1, quantity: 2 }];
    await shop.post('/inventory/reservations', { order_id: 'pos-7-42', items, ttl_seconds: 900 });
    const { expires_at } = await find();
    await admin.visit('Reservations');
    await admin.shows('pos-7-42');
    await admin.expectOpenToAll();
    const timer = admin.page.getByRole('timer').first();
    const before = await timer.innerText();
    await eventually(async () => (await timer.innerText()) !== before, { what: 'the next second' });

    await admin.expectDialogOpenToAll('Extend');
    await act('Extend', async () => {
      await admin.field('By').fill('10');
      const end = new Date(Date.parse(expires_at) + 600_000).toLocaleTimeString('en-US', CLOCK);
      await admin.page.getByRole('dialog').getByText(`${end}.`).waitFor();
    });
    await admin.shows(/^Held until /);
    expect(Date.parse((await find()).expires_at)).toBe(Date.parse(expires_at) + 600_000);
    await act('Extend', () => admin.field('By').fill('10'));
    expect(await admin.faultAt('By')).toBe('It can be extended by 5 minutes more at most.');
    await admin.showsOnce('It can be extended by 5 minutes more at most.');
    await admin.button('Back').click();
  });

  it('are released, and say why', async () => {
    await admin.follow('pos-7-42');
    await admin.page.getByRole('link', { name: 'Laptop' }).waitFor();
    await admin.expectDialogOpenToAll('Release');
    await act('Release');
    await admin.faultAt('Reason');
    await admin.field('Reason').fill('the customer went away');
    await admin.page.getByRole('dialog').getByRole('button', { name: 'Release' }).click();
    await admin.shows('Cancelled');
    await admin.shows('the customer went away');
    await admin.expectOpenToAll();
    expect(await find()).toMatchObject({ status: 'cancelled', reason: 'the customer went away' });
    await admin.visit('Reservations');
    await admin.shows('No goods are held.');
  });
});

describe('webhooks', () => {
  const address = () => `${receiver.url}/hooks`;

  it('are added with a secret that is shown once, and say what is wrong with their address', async () => {
    await admin.visit('Webhooks');
    await admin.follow('Create');
    await admin.field('Address').fill('ftp://shop.example');
    await admin.button('Save').click();
    expect(await admin.faultAt('Address')).toContain('Url must be an http or https address');
    await admin.field('Address').fill(address());
    await admin.page.getByLabel('All events').uncheck();
    await admin.page.getByLabel('order.paid').check();
    await admin.expectOpenToAll();
    await admin.button('Save').click();
    const secret = await secretOnce('Secret, by which');

    await shop.givenPaidOrder();
    const received = await eventually(async () => receiver.received[0], { what: 'the delivery' });
    expect(verified(received, secret)).toMatchObject({ type: 'order.paid' });
  });

  it('show what has become of each delivery, and send it again', async () => {
    await eventually(
      async () => {
        await admin.button('Look again').click();
        await admin.page.getByRole('listitem').filter({ hasText: 'order.paid' }).first().waitFor();
        return admin.page.getByText('Delivered', { exact: true }).first().isVisible();
      },
      { what: 'the word of the delivery' },
    );
    await admin.expectOpenToAll();
    await admin.expectDialogOpenToAll('Resend');
    await act('Resend');
    await admin.shows('On its way again.');
    await eventually(async () => receiver.received.length === 2, { what: 'the same again' });
    const [first, again] = receiver.received;
    expect(again?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(again?.body).toBe(first?.body);
  });

  it('keep what is known of their deliveries when it cannot be read again', async () => {
    const body = JSON.stringify({ code: 'internal_error', error: 'something went wrong on our side' });
    await admin.page.route('**/deliveries?**', (call) => call.fulfill({ status: 500, body }));
    await admin.button('Look again').click();
    await admin.showsOnce('Something went wrong on our side.');
    expect(await admin.page.getByRole('listitem').filter({ hasText: 'order.paid' }).count()).toBe(1);
    await admin.page.unrouteAll();
    await admin.button('Try again').click();
    await admin.page.getByText('Something went wrong').waitFor({ state: 'detached' });
  });

  it('are switched off', async () => {
    await admin.page.getByLabel('Active').uncheck();
    await admin.button('Save').click();
    await admin.shows('Saved.');
    const { webhook_endpoints } = await shop.get('/admin/webhook-endpoints');
    expect(webhook_endpoints).toMatchObject([{ url: address(), events: ['order.paid'], active: false }]);
    await act('Resend');
    await admin.shows('The webhook endpoint is switched off.');
    await admin.button('Back').click();
    await admin.page.getByLabel('Active').check();
    await admin.button('Save').click();
    await eventually(async () => (await shop.get('/admin/webhook-endpoints')).webhook_endpoints[0].active, {
      what: 'the endpoint on again',
    });
  });
});

describe('dead letters', () => {
  it('are retried, and say so', async () => {
    receiver.answers(500);
    const orderId = await shop.givenPaidOrder();
    const letters = async () => (await shop.get('/admin/dead-letters')).dead_letters;
    await eventually(async () => (await letters()).length === 1, { what: 'the dead letter' });
    await admin.visit('Dashboard');
    await admin.follow('1 event could not be acted on');
    await admin.shows('webhooks');
    await admin.expectOpenToAll();
    await admin.follow('order.paid');
    await admin.page.getByRole('group', { name: 'What the event says' }).getByText(orderId).waitFor();
    await admin.expectOpenToAll();

    await admin.expectDialogOpenToAll('Discard');
    await admin.expectDialogOpenToAll('Retry');
    receiver.accepts();
    const before = receiver.received.length;
    await act('Retry');
    await admin.shows('Retried');
    await eventually(async () => receiver.received.length === before + 1, { what: 'the retry' });
    expect(receiver.received.at(-1)?.body).toContain(orderId);
    expect(await letters()).toEqual([]);
    await admin.visit('Dead letters');
    await admin.shows('None: every event has reached whoever acts on it.');
  });
});

describe('API keys', () => {
  it('are shown once, open what they may, and are revoked', async () => {
    await admin.visit('API keys');
    await admin.follow('Create');
    await admin.field('Who will use it').fill('warehouse');
    await admin.button('Save').click();
    await admin.shows(/^Scopes must (be a list|not be empty)/);
    await admin.page.getByLabel('inventory:read').check();
    await admin.button('Save').click();
    const key = await secretOnce('API key, for the header');

    const ask = async () =>
      (await shop.service.call('/api/v1/inventory/summary', { headers: { 'x-api-key': key } })).status;
    expect(await ask()).toBe(200);
    await admin.shows('warehouse');
    await admin.expectOpenToAll();
    await admin.expectDialogOpenToAll('Revoke');
    await act('Revoke');
    await admin.shows('None yet: no other system may ask for stock.');
    expect(await ask()).toBe(401);
  });
});

describe('what has happened', () => {
  it('is found by its type, and told whole', async () => {
    await admin.goto('/events?filter=%7B%22type%22%3A%22order.refunded%22%7D');
    const links = admin.page.getByRole('link', { name: /^order\.|^stock\.|^payment\./ });
    await links.first().waitFor();
    expect(await links.allInnerTexts()).toEqual(['order.refunded']);
    await admin.expectOpenToAll();
    await links.first().click();
    await admin.page.getByRole('group', { name: 'What the event says' }).getByText('9.97').waitFor();
  });

  it('by the hands of admins stands with what was changed', async () => {
    await admin.visit('Admin actions');
    await admin.shows('API key 1 revoked');
    await admin.page.getByRole('combobox', { name: 'What' }).click();
    await admin.page.getByRole('option', { name: 'Webhook endpoint' }).click();
    const changes = admin.button(/^Webhook endpoint 1 changed/);
    await changes.first().waitFor();
    await admin.page.getByText('API key 1 revoked').waitFor({ state: 'detached' });
    await changes.first().press('Enter');
    await admin.page.getByRole('row', { name: 'Active false true' }).waitFor();
    await admin.expectOpenToAll();
    expect(await changes.first().innerText()).toContain(ADMIN.email);
  });
});

describe('on a phone in the dark', () => {
  let phone: AdminPage;

  beforeAll(async () => {
    phone = await AdminPage.open(browser, shop.url, { isPhone: true, isDark: true });
    await phone.signIn(ADMIN.email, ADMIN.password);
  });

  it('every page is there, and nothing keeps anybody out', async () => {
    const items = [{ product_id: 2, quantity: 1 }];
    await shop.post('/inventory/reservations', { order_id: 'pos-7-43', items });
    for (const [name, words, leads] of [
      ['Dashboard', 'Sales over time'],
      ['Reservations', 'Active', { to: 'pos-7-43', words: 'Ends in' }],
      ['Dead letters', 'None: every event'],
      ['Events', 'order.paid', { to: 'order.paid', words: 'What it says' }],
      ['Webhooks', 'Active', { to: '/hooks', words: 'Deliveries' }],
      ['API keys', 'None yet', { to: 'Create', words: 'What they may do' }],
      ['Admin actions', 'API key 1 revoked'],
    ] as const) {
      await phone.visit(name);
      await phone.shows(words);
      await phone.expectOpenToAll();
      if (!leads) continue;
      await phone.follow(leads.to);
      await phone.shows(leads.words);
      await phone.expectOpenToAll();
    }
  });

  it('the browser has complained of nothing, on the desk neither', () => {
    expect([...phone.complaints, ...admin.complaints]).toEqual([]);
  });
});
