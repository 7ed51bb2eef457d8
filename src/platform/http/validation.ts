import { type ArgumentMetadata, Injectable, type PipeTransform, type Type } from '@nestjs/common';
import { plainToInstance, Transform } from 'class-transformer';
import {
  getMetadataStorage,
  isISO8601,
  ValidateBy,
  ValidateIf,
  type ValidationError,
  type ValidatorOptions,
  validate,
} from 'class-validator';
import { LRUCache } from 'lru-cache';
import { type FieldFault, ValidationFailed } from '../errors.js';

const INTEGER_ID_MAX = 2_147_483_647;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const STRICT: ValidatorOptions = {
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  stopAtFirstError: true,
  validationError: { target: false, value: false },
};

/** Types that no rules stand at: there is nothing to validate by. */
const WITHOUT_RULES: ReadonlySet<unknown> = new Set([String, Number, Boolean, Array, Object]);

rememberRules();

// class-validator gathers the rules of a class anew for every object, out of those of all classes; they do not change any more.
function rememberRules(): void {
  const storage = getMetadataStorage();
  type Rules = ReturnType<typeof storage.getTargetValidationMetadatas>;
  const gather = storage.getTargetValidationMetadatas.bind(storage);
  const known = new Map<unknown, Rules>();
  storage.getTargetValidationMetadatas = (dto, ...how) => {
    const rules = known.get(dto) ?? gather(dto, ...how);
    known.set(dto, rules);
    return rules;
  };
}

/** Of each DTO. */
const QUERIES_MAX = 1_000;
const QUERY_LENGTH_MAX = 500;

/** Validates every DTO, refuses unknown members, and says which field is wrong. A body that is no object is refused, too. */
@Injectable()
export class StrictValidation implements PipeTransform {
  // Everybody asks for the same few pages, and validating such a query takes longer than answering it.
  private readonly queries = new Map<Type, LRUCache<string, object>>();

  transform(value: unknown, metadata: ArgumentMetadata): unknown {
    // Path parameters have pipes of their own, which must see the text as it came.
    if (metadata.type === 'custom' || metadata.type === 'param') return value;
    const dto = metadata.metatype;
    if (dto === undefined || WITHOUT_RULES.has(dto)) return value;
    if (metadata.type === 'query') return this.transformQuery(value as object, dto);
    // A POST whose members are all optional may come without a body.
    if (value === undefined || value === null) return strictly({}, dto);
    if (!isPlainObject(value)) throw ValidationFailed.of('', 'the body must be a JSON object');
    return strictly(value, dto);
  }

  /** The same query is the same DTO: nobody may change it. */
  private async transformQuery(value: object, dto: Type<object>): Promise<object> {
    const known = this.queries.get(dto) ?? new LRUCache<string, object>({ max: QUERIES_MAX });
    this.queries.set(dto, known);
    const key = JSON.stringify(value);
    const there = known.get(key);
    if (there !== undefined) return there;
    const query = Object.freeze(await strictly(value, dto));
    if (key.length <= QUERY_LENGTH_MAX) known.set(key, query);
    return query;
  }
}

/** What has come as JSON or as a query, as one of the class that says what it may hold. @throws ValidationFailed */
async function strictly<T extends object>(value: object, dto: Type<T>): Promise<T> {
  refuseInherited(value);
  const instance = plainToInstance(dto, value);
  const errors = await validate(instance, STRICT);
  if (errors.length > 0) throw new ValidationFailed(errors.flatMap((error) => faultsOf(error)));
  return instance;
}

/** @throws ValidationFailed for a member that is named like one which every object has. */
function refuseInherited(value: unknown): void {
  const inherited = inheritedIn(value);
  if (inherited !== null) throw ValidationFailed.of(inherited, unknownMember(inherited));
}

/** The first member that is named like one which every object has, e.g. `toString`: class-transformer would drop it in silence. */
function inheritedIn(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, part] of Object.entries(value)) {
    if (name in Object.prototype) return name;
    const below = inheritedIn(part);
    if (below !== null) return `${name}.${below}`;
  }
  return null;
}

const unknownMember = (field: string) => `${field} is not a known member`;

/** One of many, validated as if it were a body of its own. @throws ValidationFailed */
export async function validated<T extends object>(value: unknown, metatype: Type<T>): Promise<T> {
  return new StrictValidation().transform(value, { type: 'body', metatype }) as Promise<T>;
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function faultsOf(error: ValidationError, path = ''): FieldFault[] {
  const field = path ? `${path}.${error.property}` : error.property;
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({
    field,
    message: rule === 'whitelistValidation' ? unknownMember(field) : message,
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => faultsOf(child, field))];
}

/** A path parameter that is an integer id: 400 when malformed. */
@Injectable()
export class IntegerId implements PipeTransform<string, number> {
  transform(value: string, { data }: ArgumentMetadata): number {
    const id = /^[1-9]\d{0,9}$/.test(value) ? Number(value) : Number.NaN;
    if (!(id <= INTEGER_ID_MAX))
      throw ValidationFailed.of(data ?? 'id', `${data ?? 'id'} must be a positive integer`);
    return id;
  }
}

/** A path parameter that is a UUID: 400 when malformed. */
@Injectable()
export class UuidId implements PipeTransform<string, string> {
  transform(value: string, { data }: ArgumentMetadata): string {
    if (!UUID.test(value)) throw ValidationFailed.of(data ?? 'id', `${data ?? 'id'} must be a UUID`);
    return value.toLowerCase();
  }
}

/** Query parameters are text: turns `5` into 5 and leaves anything else for the validator to refuse. */
export const AsNumber = () =>
  Transform(({ value }) =>
    typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value,
  );

/** Query parameters are text: turns `true` and `false` into booleans and leaves anything else for the validator to refuse. */
export const AsBoolean = () =>
  Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value));

/** May be left out. Unlike with `IsOptional`, null is not "left out": the validators beside it refuse it. */
export const IfGiven = () => ValidateIf((_, value) => value !== undefined);

const DAY_OR_ZONED = /^\d{4}-\d\d-\d\d$|^\d{4}-.*(Z|[+-]\d\d:?\d\d)$/i;
const END_OF_TIMES_MS = Date.UTC(10_000, 0);

/**
 * An ISO 8601 time that JavaScript and Postgres both know, of a year with four digits and not before `sinceMs`: a day, or a
 * time of day with its zone. Without one it would be of the server's own, which nobody knows.
 */
export const IsTime = (sinceMs = Number.NEGATIVE_INFINITY) =>
  ValidateBy({
    name: 'isTime',
    validator: {
      validate: (value) => {
        if (!isISO8601(value, { strict: true }) || !DAY_OR_ZONED.test(String(value))) return false;
        const timeMs = Date.parse(String(value));
        return timeMs >= sinceMs && timeMs < END_OF_TIMES_MS;
      },
      defaultMessage: () => '$property must be an ISO 8601 date, or a time with its zone',
    },
  });

/**
 * Writes each letter with its marks as one character (NFC) before the text is validated. A Mac's file names and some
 * keyboards write `ü` as two: it looks the same, and is neither found nor taken for the same.
 */
export const Composed = () =>
  Transform(({ value }) => (typeof value === 'string' ? value.normalize('NFC') : value));

/** Takes the white space around a text away before it is validated. */
export const Trimmed = () => Transform(({ value }) => (typeof value === 'string' ? value.trim() : value));
