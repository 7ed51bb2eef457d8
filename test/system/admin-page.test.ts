import type { Browser } from 'playwright-core';
import { AdminPage, openBrowser } from './browser.js';
import { ADMIN, AdminShop, CUSTOMER } from './given-admin-shop.js';

let shop: AdminShop;
let browser: Browser;
let admin: AdminPage;

beforeAll(async () => {
  [shop, browser] = await Promise.all([AdminShop.open(), openBrowser()]);
  admin = await AdminPage.open(browser, shop.url);
});

afterAll(async () => {
  await browser?.close();
  await shop?.close();
});

describe('signing in', () => {
  it('is for admins: a customer is told so, and stays outside', async () => {
    await admin.trySignIn(CUSTOMER.email, CUSTOMER.password);
    await admin.shows('This page is for admins only');
    expect(await admin.page.evaluate(() => localStorage.length)).toBe(0);
  });

  it('is asked for once, and not over and over', async () => {
    expect(await admin.page.evaluate(() => history.length)).toBeLessThan(5);
  });

  it('says that the password is wrong', async () => {
    await admin.trySignIn(ADMIN.email, 'not my password');
    await admin.shows('Invalid email or password');
    await admin.expectOpenToAll();
  });

  it('leads in, by the keyboard alone', async () => {
    await admin.signIn(ADMIN.email, ADMIN.password);
    await admin.visit('Products');
    await admin.shows('LAPTOP-001');
    expect(await admin.page.title()).toBe('Products – Holdfast');
  });

  it('leaves a way past the menu', async () => {
    await admin.button('Skip to content').focus();
    await admin.expectOpenToAllInAnyLight();
    await admin.page.keyboard.press('Enter');
    await admin.page.keyboard.press('Tab');
    await admin.page.locator('main :focus').waitFor();
  });

  it('keeps all tabs signed in that must renew the session at once', async () => {
    const tabs = [admin, await admin.another(), await admin.another()];
    await Promise.all(tabs.slice(1).map((tab) => tab.goto('/products')));
    for (let round = 0; round < 5; round++) {
      await admin.ageSession();
      const answers = tabs.map(({ page }) =>
        page.waitForResponse((response) => response.url().includes('/products?') && response.ok()),
      );
      await Promise.all(tabs.map((tab) => tab.button('Refresh').click()));
      await Promise.all(answers);
    }
    for (const tab of tabs) await tab.shows('LAPTOP-001');
    for (const { page } of tabs.slice(1)) await page.close();
  });
});

describe('products', () => {
  it('shows what the API refuses at its field', async () => {
    await admin.follow('Create');
    await admin.field('Name').fill('T-shirt');
    await admin.field('SKU').fill('LAPTOP-001');
    await admin.field('Price').fill('0');
    await admin.button('Save').click();
    expect(await admin.faultAt('Price')).toBe(
      'Price must be a number greater than 0 and at most 1000000000.',
    );
    await admin.field('Price').fill('19.90');
    await admin.button('Save').click();
    expect(await admin.faultAt('SKU')).toBe('The sku LAPTOP-001 is already taken.');
  });

  it('makes one with variants, which are what is sold', async () => {
    await admin.field('SKU').fill('TEE');
    await admin.button('Save').click();
    await admin.shows('None: it is sold as it is.');
    await admin.expectDialogOpenToAll('Add variant');
    for (const [sku, stock] of [
      ['TEE-WHITE', '7'],
      ['TEE-BLACK', '5'],
    ] as const) {
      await admin.button('Add variant').click();
      await admin.field('SKU').fill(sku);
      await admin.field('Stock to begin with').fill(stock);
      await admin.button('Add').click();
      await admin.page.getByRole('table', { name: 'Variants' }).getByText(sku).waitFor();
    }
    const [product] = (await shop.get('/products?q=TEE')).products;
    expect(product).toMatchObject({
      sku: 'TEE',
      price: 19.9,
      stock: 12,
      variants: [{ stock: 7 }, { stock: 5 }],
    });
  });

  it('sends only what has changed, and not over the change of somebody else', async () => {
    await admin.goto('/products/5');
    await admin.field('Price').fill('199.5');
    await shop.patch('/products/5', { category: 'sound' });
    await admin.button('Save').click();
    await admin.shows('Somebody else has changed it meanwhile');
    await admin.goto('/products/5');
    await admin.field('Price').fill('199.5');
    await admin.button('Save').click();
    await admin.shows('Saved.');
    expect(await shop.get('/products/5')).toMatchObject({ price: 199.5, category: 'sound', version: 3 });
  });

  it('moves stock, and says why it does not', async () => {
    await admin.visit('Products');
    await admin.follow('Monitor');
    await admin.expectDialogOpenToAll('Delete');
    await admin.expectDialogOpenToAll('Move stock');
    await admin.button('Move stock').click();
    await admin.page.getByLabel('Went out').check();
    await admin.field('Quantity').fill('9999');
    await admin.page.keyboard.press('Escape');
    await admin.shows('What is filled in has not been sent.');
    await admin.button('Enter').click();
    await admin.showsOnce('Not enough stock: 9,999 wanted, 150 there.');
    await admin.page.getByLabel('Came in').check();
    await admin.field('Quantity').fill('25');
    await admin.field('Reason').fill('delivery');
    await admin.expectOpenToAll();
    await admin.button('Enter').dblclick();
    await admin.shows('Monitor: 150 before, 175 now');
    await admin.page.getByRole('cell', { name: '+25' }).waitFor();
    await admin.page.locator('svg .MuiLineChart-line').waitFor();
    const { movements } = await shop.get('/inventory/movements?product_id=4');
    expect(movements).toMatchObject([{ delta: 25, stock_after: 175, reason: 'delivery' }]);
  });

  it('takes a CSV file in, tells of each row that is wrong, and gives one out', async () => {
    const rows = Array.from({ length: 30 }, (_, index) => `CABLE-${index},Cable ${index},${3 + index},4`);
    const text = `sku,name,price,stock\n${rows.join('\n')}\nBAD,No price,,1\n`;
    await admin.visit('Products');
    await admin.follow('Import');
    const file = { name: 'cables.csv', mimeType: 'text/csv', buffer: Buffer.from(text) };
    await admin.page.locator('input[type=file]').setInputFiles(file);
    await admin.shows('31 rows of cables.csv were read, and 1 was not taken in.');
    await admin.page.getByRole('row', { name: /31 BAD price must be/ }).waitFor();
    await admin.expectOpenToAll();
    await admin.visit('Products');
    const [download] = await Promise.all([
      admin.page.waitForEvent('download'),
      admin.button('Export').click(),
    ]);
    expect(download.suggestedFilename()).toBe('products.csv');
  });

  it('turns pages, also after a reload, and searches and orders by the API', async () => {
    await admin.goto('/products?perPage=10&page=3&sort=price&order=DESC');
    const third = (await shop.get('/products?sort=-price&limit=30')).products.slice(20);
    await admin.shows(third[0].sku);
    await admin.shows(third[9].sku);
    await admin.button('Go to next page').click();
    await admin.shows('31-36 of 36');
    await admin.visit('Products');
    await admin.page.getByLabel('Search products').fill('cable 29');
    await admin.shows('CABLE-29');
    await admin.shows('1-1 of 1');
  });
});

describe('when something goes wrong', () => {
  it('says that the service cannot be reached, and not that there is nothing', async () => {
    await admin.page.route('**/api/v1/admin/storefronts**', (route) => route.abort());
    await admin.page.evaluate(() => window.dispatchEvent(new Event('offline')));
    await admin.visit('Storefronts');
    await admin.showsOnce('The service cannot be reached; try again.');
    expect(await admin.page.getByText('No Storefronts found').count()).toBe(0);
    await admin.expectOpenToAll();
    await admin.page.unrouteAll();
    await admin.page.evaluate(() => window.dispatchEvent(new Event('online')));
    await admin.shows('No Storefronts found');
  });

  it('keeps what is filled in when the session ends, until its admin has signed in again', async () => {
    await admin.goto('/products/5');
    await admin.field('Price').fill('179.5');
    const refresh_token = await admin.refreshToken();
    const body = JSON.stringify({ refresh_token });
    await shop.service.call('/api/v1/auth/logout', { method: 'POST', body });
    await admin.ageSession();
    await admin.button('Save').click();
    await admin.shows('The session has ended.');
    await admin.expectOpenToAllInAnyLight();
    // There is something to be lost.
    await admin.page.keyboard.press('Escape');
    await admin.field('Password').fill('not my password');
    await admin.button('Sign in').click();
    await admin.shows('Invalid email or password');
    await admin.field('Password').fill(ADMIN.password);
    await admin.button('Sign in').click();
    await admin.shows('Saved.');
    expect(await shop.get('/products/5')).toMatchObject({ price: 179.5 });
  });
});

describe('orders', () => {
  it('finds one by its state, and gives a part of its money back once', async () => {
    const id = await shop.givenPaidOrder();
    await admin.visit('Orders');
    await admin.page.getByLabel('Status').click();
    await admin.page.getByRole('option', { name: 'Paid' }).click();
    await admin.page.waitForURL(/filter=/);
    await admin.page.getByRole('row').filter({ hasText: '1 × Mouse and 1 more' }).click();
    await admin.copies(id);
    await admin.expectDialogOpenToAll('Cancel order');
    await admin.expectDialogOpenToAll('Refund');
    await admin.button('Refund').click();
    await admin.field('Amount').fill('500');
    await admin.field('Reason').fill('arrived scratched');
    await admin.field('Reason').press('Enter');
    expect(await admin.faultAt('Amount')).toBe('At most $209.97 can be given back.');
    await admin.showsOnce('At most $209.97 can be given back.');
    await admin.expectOpenToAll();
    await admin.field('Amount').fill('9.97');
    await admin.page.getByRole('dialog').getByRole('button', { name: 'Refund' }).dblclick();
    await admin.shows('$9.97 has gone back');
    await admin.shows('Partially refunded');
    expect((await shop.get(`/admin/orders/${id}/refunds`)).refunds).toMatchObject([
      { amount: 9.97, reason: 'arrived scratched', status: 'succeeded' },
    ]);
  });

  it('offers only what its state allows, and takes goods back', async () => {
    const actions = async () => {
      const bar = admin.button(/^(Confirm payment|Ship|Deliver|Return goods|Refund|Cancel order)$/);
      return (await bar.allInnerTexts()).sort();
    };
    const id = await shop.givenPaidOrder();
    await admin.visit('Orders');
    await admin.page.getByLabel('Search by the beginning of an order number').fill(id.slice(0, 20));
    await admin.shows('1-1 of 1');
    await admin.page.getByRole('row').filter({ hasText: '1 × Mouse and 1 more' }).click();
    await admin.button('Refund').waitFor();
    expect(await actions()).toEqual(['Cancel order', 'Refund', 'Ship']);
    await admin.button('Ship').click();
    await admin.field('Tracking number').fill('1Z999');
    await admin.page.getByRole('dialog').getByRole('button', { name: 'Ship' }).click();
    await admin.button('Deliver').waitFor();
    expect(await actions()).toEqual(['Deliver', 'Refund', 'Return goods']);
    await admin.expectDialogOpenToAll('Return goods');
    await admin.button('Return goods').click();
    await admin.field('Keyboard, of 2').fill('1');
    await admin.button('Enter return').click();
    await admin.shows('The return is entered');
    const { movements } = await shop.get('/inventory/movements?product_id=3&limit=1');
    expect(movements).toMatchObject([{ delta: 1, order_id: id }]);
  });
});

describe('when a part of a page cannot be read', () => {
  it.each([
    ['a product', '/products/4', 'inventory/movements', 'Nothing has moved yet', '+25'],
    ['a customer', '/users/2', 'admin/orders', 'No results found', '$209.97'],
    ['an order', '/orders/of-ada/show', 'payments', 'Nobody has tried to pay yet', 'Succeeded'],
    ['the dashboard', '/', 'inventory/low-stock', 'Nothing is below', 'Nothing is below'],
  ])('%s says so, leaves the rest, and reads it again', async (_, path, route, none, there) => {
    const body = JSON.stringify({ code: 'internal_error', error: 'something went wrong on our side' });
    await admin.page.route(`**/${route}?**`, (call) => call.fulfill({ status: 500, body }));
    await admin.goto(path.replace('of-ada', (await shop.get('/admin/orders')).orders[0].id));
    await admin.showsOnce('Something went wrong on our side.');
    expect(await admin.page.getByText(none).count()).toBe(0);
    await admin.page.getByRole('heading', { level: 2 }).nth(1).waitFor();
    await admin.expectOpenToAll();
    await admin.page.unrouteAll();
    await admin.button('Try again').click();
    await admin.shows(there);
    await admin.page.getByText('Something went wrong').waitFor({ state: 'detached' });
  });
});

describe('discounts', () => {
  it('take off money or percents, and say which', async () => {
    await shop.post('/discounts', { code: 'AUTUMN15', kind: 'percentage', value: 15 });
    await admin.visit('Discounts');
    await admin.follow('Create');
    await admin.field('Code').fill('autumn5');
    await admin.page.getByLabel('Kind').click();
    await admin.page.getByRole('option', { name: 'A fixed amount' }).click();
    await admin.field('Amount').fill('5');
    await admin.field('From goods worth').fill('30');
    await admin.button('Save').click();
    await admin.page.getByRole('row', { name: 'AUTUMN5 $5.00 from $30.00' }).waitFor();
    await admin.page.getByRole('row', { name: 'AUTUMN15 15 %' }).waitFor();
    await admin.follow('AUTUMN5');
    expect(await admin.field('Amount').inputValue()).toBe('5.00');
    await admin.expectOpenToAll();
  });
});

describe('every page', () => {
  /** Of the menu, and what leads on from there. */
  const PAGES = [
    ['Orders', '$209.97'],
    ['Customers', CUSTOMER.email],
    ['Discounts', 'Create'],
    ['Products', 'Monitor', 'Create', 'Import'],
    ['Storefronts', 'Create'],
  ] as const;

  it.each([
    ['at a desk', {}],
    ['on a phone in the dark', { isPhone: true, isDark: true }],
  ])('is open to all, %s', async (_, look) => {
    const visitor = await AdminPage.open(browser, shop.url, look);
    await visitor.signIn(ADMIN.email, ADMIN.password);
    for (const [name, first, ...others] of PAGES) {
      await visitor.visit(name);
      await visitor.expectOpenToAll();
      await visitor.follow(first);
      await visitor.expectOpenToAll();
      for (const link of others) {
        await visitor.visit(name);
        await visitor.follow(link);
        await visitor.expectOpenToAll();
      }
    }
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});

describe('signing out', () => {
  it('ends the session, in every tab', async () => {
    const other = await admin.another();
    await other.goto('/orders');
    const refresh_token = await admin.refreshToken();
    await admin.button('Account').click();
    await admin.page.getByRole('menuitem', { name: 'Sign out' }).click();
    for (const tab of [admin, other]) await tab.field('Email').waitFor();
    expect((await shop.service.post('/api/v1/auth/refresh', { refresh_token })).status).toBe(401);
    expect([...admin.complaints, ...other.complaints]).toEqual([]);
  });
});
