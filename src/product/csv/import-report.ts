import { DomainError } from '../../platform/errors.js';
import type { ImportView } from './import.view.js';
import type { RefusedRow } from './import-rows.js';

const ERRORS_MAX = 1_000;

/** What became of the rows of a batch. */
export interface BatchOutcome {
  created: number;
  updated: number;
  unchanged: number;
  refused: RefusedRow[];
}

/** What became of a file so far. However many rows fail, it stays small. */
export class ImportReport {
  private readonly counts = { rows: 0, created: 0, updated: 0, unchanged: 0, failed: 0 };
  private readonly errors: ImportView['errors'] = [];

  /** All that became of the rows of one batch, in one part or more. */
  add(parts: Partial<BatchOutcome>[]): void {
    const refused = parts.flatMap((part) => part.refused ?? []);
    for (const { created = 0, updated = 0, unchanged = 0 } of parts) {
      this.counts.rows += created + updated + unchanged;
      this.counts.created += created;
      this.counts.updated += updated;
      this.counts.unchanged += unchanged;
    }
    this.counts.rows += refused.length;
    this.counts.failed += refused.length;
    const shown = refused.toSorted((a, b) => a.row - b.row).slice(0, ERRORS_MAX - this.errors.length);
    for (const { row, sku, error } of shown)
      this.errors.push({ row, sku, code: error.code, error: error.message });
  }

  view(): ImportView {
    return { ...this.counts, errors: this.errors };
  }
}

/** The file cannot be read any further. The rows before that are imported, and the report says what became of them. */
export class ImportCutShort extends DomainError {
  readonly kind = 'invalid';
  override readonly members: ImportView & { line?: number };

  constructor(
    readonly code: 'malformed_csv' | 'too_many_rows',
    sentence: string,
    report: ImportReport,
    members: { line?: number } = {},
  ) {
    super(`${sentence}; the rows before that are imported`);
    this.members = { ...members, ...report.view() };
  }
}

/** The service stops. What is imported stays, and the same file goes on from there. */
export class ImportInterrupted extends DomainError {
  readonly kind = 'unavailable';
  readonly code = 'import_interrupted';
  override readonly retryAfterSeconds = 5;
  override readonly members: ImportView;

  constructor(report: ImportReport) {
    super('the service is stopping; send the file again');
    this.members = report.view();
  }
}
