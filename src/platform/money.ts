import { Injectable } from '@nestjs/common';
import { Config } from './config/config.js';
import { digitsOf } from './currency.js';
import { ValidationFailed } from './errors.js';

/** The highest single price or amount, in major units. */
export const PRICE_MAX = 1_000_000_000;

/** Between the wire (a JSON number in major units) and the inside (integer minor units). The only place that divides or multiplies. */
@Injectable()
export class Money {
  readonly currency: string;
  /** Digits after the point: 2 for USD, 0 for JPY. */
  readonly digits: number;
  private readonly factor: number;

  constructor(config: Config) {
    this.currency = config.env.CURRENCY;
    this.digits = digitsOf(this.currency);
    this.factor = 10 ** this.digits;
  }

  /** 129999 → 1299.99. Exact: the nearest double prints as the decimal that was meant. */
  majorOf(minor: number): number {
    return minor / this.factor;
  }

  /**
   * 1299.99 → 129999.
   * @throws ValidationFailed naming `field` when the amount is finer than the currency's minor unit.
   */
  minorOf(major: number, field: string): number {
    const minor = Math.round(major * this.factor);
    if (minor / this.factor !== major || !Number.isSafeInteger(minor)) {
      throw ValidationFailed.of(field, `${field} must be exact to ${this.digits} decimals`);
    }
    return minor;
  }
}
