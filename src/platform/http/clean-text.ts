import { ValidateBy, type ValidationArguments } from 'class-validator';

export interface TextBounds {
  /** Fewest and most characters; one outside of Unicode's first plane counts as one, as it does in Postgres. */
  min: number;
  max: number;
  /** Line breaks and tabs are welcome. */
  multiline?: boolean;
  /** The member is a list, and each of its entries such a text. */
  each?: boolean;
}

const HALF_PAIR = /\p{Cs}/u;
const CONTROL = /\p{Cc}/u;
const CONTROL_BUT_LINES = /[^\P{Cc}\n\r\t]/u;

/**
 * The member is a text within its bounds that Postgres can store. A NUL or half a surrogate pair would otherwise only fail
 * there, as a fault of ours; other control characters do harm in logs, terminals and CSV files.
 */
export const CleanText = (bounds: TextBounds): PropertyDecorator =>
  ValidateBy(
    {
      name: 'cleanText',
      validator: {
        validate: (value: unknown) => faultOf(value, bounds) === null,
        defaultMessage: (args?: ValidationArguments) => sentenceOf(args, bounds),
      },
    },
    { each: bounds.each },
  );

function faultOf(value: unknown, { min, max, multiline }: TextBounds): string | null {
  const outOfBounds = `must be between ${min} and ${max} characters`;
  if (typeof value !== 'string') return outOfBounds;
  const { length } = [...value];
  if (length < min || length > max) return outOfBounds;
  if (HALF_PAIR.test(value)) return 'must be valid Unicode';
  const control = multiline ? CONTROL_BUT_LINES : CONTROL;
  return control.test(value) ? 'must not have control characters' : null;
}

function sentenceOf(args: ValidationArguments | undefined, bounds: TextBounds): string {
  if (!bounds.each || !Array.isArray(args?.value)) return `$property ${faultOf(args?.value, bounds)}`;
  const faults = args.value.map((entry) => faultOf(entry, bounds));
  return `each of $property ${faults.find((fault) => fault !== null)}`;
}
