import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { program } from './program.js';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const PATIENCE_MS = 30_000;
/** As large as a finger. */
const TARGET_PX = 40;

export interface Look {
  isPhone?: boolean;
  isDark?: boolean;
}

/** Debian's chromium. Whoever opens it closes it. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: program('chromium'), args: FLAGS });
}

/** What is pressed and is lower than that; links in a text are as high as the text. Runs in the page. */
function lowTargets(heightPx: number): string[] {
  return [...document.querySelectorAll<HTMLElement>('button, [role=button], [role=combobox], input, label')]
    .map((element) => element.closest<HTMLElement>('label, .MuiInputBase-root, .MuiSwitch-root') ?? element)
    .filter((element) => element.matches(':not(.MuiInputLabel-root)') && element.checkVisibility())
    .filter((element) => element.offsetHeight > 1 && element.offsetHeight < heightPx)
    .map((element) => `${element.outerHTML.slice(0, 120)} ${element.offsetHeight}`);
}

/** What moves from one state to the next instead of being there. Runs in the page. */
function movingParts(): string[] {
  return [...document.querySelectorAll('*')]
    .filter((element) => {
      const { transitionDuration } = getComputedStyle(element);
      return transitionDuration.split(',').some((duration) => Number.parseFloat(duration) > 0);
    })
    .map((element) => element.outerHTML.slice(0, 120));
}

/** The admin's page in a window of its own, with nothing remembered. */
export class AdminPage {
  /** What the browser complained of: errors of scripts, and what the policy has stopped. What the API refuses is no such thing. */
  readonly complaints: string[] = [];

  private constructor(
    private readonly url: string,
    readonly context: BrowserContext,
    readonly page: Page,
    private readonly isPhone = false,
  ) {
    page.on('pageerror', ({ message }) => this.complaints.push(message));
    page.on('console', (message) => {
      const isRefusal = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isRefusal) this.complaints.push(message.text());
    });
  }

  static async open(browser: Browser, url: string, { isPhone, isDark }: Look = {}): Promise<AdminPage> {
    const context = await browser.newContext({
      viewport: isPhone ? PHONE : DESK,
      hasTouch: isPhone,
      colorScheme: isDark ? 'dark' : 'light',
      reducedMotion: 'reduce',
      locale: 'en-US',
      timezoneId: 'UTC',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    context.setDefaultTimeout(PATIENCE_MS);
    return new AdminPage(url, context, await context.newPage(), isPhone);
  }

  /** Another tab of the same window. */
  async another(): Promise<AdminPage> {
    return new AdminPage(this.url, this.context, await this.context.newPage(), this.isPhone);
  }

  /** Opens the sign-in form, and sends it by the keyboard alone. */
  async trySignIn(email: string, password: string): Promise<void> {
    await this.page.goto(`${this.url}/admin/`);
    await this.field('Email').fill(email);
    await this.page.keyboard.press('Tab');
    await this.page.keyboard.type(password);
    await this.page.keyboard.press('Enter');
  }

  async signIn(email: string, password: string): Promise<void> {
    await this.trySignIn(email, password);
    await this.settled();
  }

  /** Loads a path below `/admin` anew, and waits until it is there. By the page's own links it is there three times as fast. */
  async goto(path: string): Promise<void> {
    await this.page.goto(`${this.url}/admin${path}`);
    await this.settled();
  }

  /** Goes to a page of the menu, and waits until it is there. */
  async visit(name: string): Promise<void> {
    const menu = this.page.getByRole('navigation', { name: 'Main' });
    if (this.isPhone) await this.button('Open menu').click();
    await menu.getByRole('link', { name, exact: true }).click();
    if (this.isPhone) await menu.waitFor({ state: 'hidden' });
    await this.page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
    await this.settled();
  }

  /** Goes where a link of the page leads, or a row with these words, and waits until it is there. */
  async follow(name: string): Promise<void> {
    const before = await this.heading();
    const main = this.page.locator('#main-content');
    await main.getByRole('link', { name }).or(main.getByText(name)).first().click();
    await this.page.waitForFunction((name) => document.querySelector('h1')?.innerText !== name, before);
    await this.settled();
  }

  /** The page has its heading, and nothing is on its way any more. */
  async settled(): Promise<void> {
    await this.page.locator('#main-content .MuiPaper-root').first().waitFor();
    await this.still();
  }

  /** Nothing is on its way. While the code of the next page is fetched, the last one is still there, hidden, and so is its name. */
  private async still(): Promise<void> {
    await this.page.waitForFunction(() => {
      const name = document.querySelector<HTMLElement>('#react-admin-title');
      const isNamed = name === null || name.innerText !== '';
      // What is behind a dialog may wait for it.
      const awaited = [...document.querySelectorAll('[role=progressbar], [class*=RaPlaceholder]')];
      return isNamed && awaited.every((element) => element.closest('[aria-hidden=true]'));
    });
  }

  /** The page's name, as it stands in the bar. */
  heading(): Promise<string> {
    return this.page.getByRole('heading', { level: 1 }).innerText();
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: typeof name === 'string' });
  }

  /** The input with the label, in the dialog if one is open. */
  field(label: string | RegExp): Locator {
    return this.page.getByLabel(label).and(this.page.locator('input, textarea')).last();
  }

  /** Waits for words, wherever they are. */
  async shows(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor();
  }

  /** The words stand on the page, and in one place only. */
  async showsOnce(text: string): Promise<void> {
    await this.shows(text);
    expect(await this.page.getByText(text).count()).toBe(1);
  }

  /** The end of a long id stands on the page, and the button beside it copies the whole. */
  async copies(id: string): Promise<void> {
    await this.button(`Copy ${id}`).click();
    await this.button('Copied').waitFor();
    expect(await this.page.evaluate(() => navigator.clipboard.readText())).toBe(id);
  }

  /** What is wrong with the field with the label; waits until something is. */
  async faultAt(label: string): Promise<string> {
    const input = this.field(label);
    await input.and(this.page.locator('[aria-invalid=true]')).waitFor();
    const id = await input.getAttribute('aria-describedby');
    return this.page.locator(`[id="${id}"]`).innerText();
  }

  /**
   * Nothing keeps anybody out: no rule of axe is broken, on no side is the page wider than the window, what a finger presses on a
   * phone is large enough for one, and nothing moves, which is what this browser asks for.
   */
  async expectOpenToAll(): Promise<void> {
    await this.still();
    // Its code is half a megabyte, and slow when it is new to the browser: it comes once for each load of the page.
    const isThere = await this.page.evaluate(() => 'axe' in window);
    const axe = new AxeBuilder({ page: this.page, ...(isThere && { axeSource: ';' }) });
    // The other mode puts frames together, on a page of its own for each look. We have no frames.
    const { violations } = await axe
      .options({ resultTypes: ['violations'] })
      .setLegacyMode()
      .analyze();
    const found = violations.map(({ id, help, nodes }) => ({ id, help, at: nodes.map(({ html }) => html) }));
    const overhang = await this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    const low = this.isPhone ? await this.page.evaluate(lowTargets, TARGET_PX) : [];
    const moving = await this.page.evaluate(movingParts);
    expect({ path: this.page.url(), found, overhang, low, moving }).toEqual({
      path: this.page.url(),
      found: [],
      overhang: 0,
      low: [],
      moving: [],
    });
  }

  /** The same in the light and in the dark, for what is gone after a reload. */
  async expectOpenToAllInAnyLight(): Promise<void> {
    await this.expectOpenToAll();
    const color = () => getComputedStyle(document.body).backgroundColor;
    for (const colorScheme of ['dark', 'light'] as const) {
      const before = await this.page.evaluate(color);
      await this.page.emulateMedia({ colorScheme });
      await this.page.waitForFunction(
        (before) => getComputedStyle(document.body).backgroundColor !== before,
        before,
      );
      if (colorScheme === 'dark') await this.expectOpenToAll();
    }
  }

  /** The dialog behind the button is open to all: by the keyboard alone it is entered, left by Escape, and left behind. */
  async expectDialogOpenToAll(label: string): Promise<void> {
    const button = this.button(label).first();
    const dialog = this.page.getByRole('dialog');
    await button.press('Enter');
    await dialog.locator(':focus').waitFor();
    await this.expectOpenToAllInAnyLight();
    await this.page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await button.and(this.page.locator(':focus')).waitFor();
  }

  /** By which the page renews its session. */
  refreshToken(): Promise<string> {
    return this.page.evaluate(async () => {
      const ended = <T>(request: IDBRequest<T>) =>
        new Promise<T>((resolve) => {
          request.onsuccess = () => resolve(request.result);
        });
      const store = (await ended(indexedDB.open('keyval-store'))).transaction('keyval').objectStore('keyval');
      return ended(store.get('holdfast.session'));
    });
  }

  /** From now on the page takes its access token for one that is too old. */
  ageSession(): Promise<void> {
    return this.page.evaluate(() => {
      const kept = JSON.parse(localStorage.getItem('holdfast.session') ?? '{}');
      localStorage.setItem('holdfast.session', JSON.stringify({ ...kept, until: 0 }));
    });
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}
