import request from 'supertest';
import type { TestApp } from '../support/boot.js';

export interface Session {
  access_token: string;
  refresh_token: string;
  expires_in: number;
  user: { id: number; email: string; name: string; role: string; points: number };
}

export const PASSWORD = 'correct horse battery';

let people = 0;
export const newEmail = () => `person-${++people}@shop.example`;

/** The routes of auth, as a client calls them. */
export class AuthCalls {
  constructor(private readonly app: TestApp) {}

  guest() {
    return this.post('guest', {});
  }

  register(body: object) {
    return this.post('register', body);
  }

  login(body: object) {
    return this.post('login', body);
  }

  refresh(refresh_token: unknown) {
    return this.post('refresh', { refresh_token });
  }

  logout(refresh_token: unknown) {
    return this.post('logout', { refresh_token });
  }

  me(authorization?: string) {
    const call = request(this.app.url).get('/api/v1/auth/me');
    return authorization === undefined ? call : call.set('Authorization', authorization);
  }

  post(route: string, body: object) {
    return request(this.app.url).post(`/api/v1/auth/${route}`).send(body);
  }

  /** Registers somebody new. */
  async givenSession(email = newEmail()): Promise<Session> {
    const answer = await this.register({ email, password: PASSWORD, name: 'Ada Lovelace' });
    expect(answer.status).toBe(201);
    return answer.body;
  }
}
