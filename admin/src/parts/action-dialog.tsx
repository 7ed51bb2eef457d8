import { Alert, Button, Dialog, DialogActions, DialogContent, DialogTitle, Stack } from '@mui/material';
import {
  type BaseSyntheticEvent,
  type ReactElement,
  type ReactNode,
  type RefObject,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react';
import { Form, type HttpError, RecordContextProvider, SaveButton, useNotify } from 'react-admin';
import { useFormState } from 'react-hook-form';
import { useIdempotencyKey } from '../api/idempotency-key';
import { useFocusKept } from './focus-kept';

type Values = Record<string, unknown>;

export interface ActionDialogProps {
  /** The button that opens it. */
  label: string;
  /** The heading of the dialog; `label` unless it differs. */
  title?: string;
  icon?: ReactElement;
  /** What the button in the dialog says; `label` unless it differs. */
  confirmLabel?: string;
  variant?: 'text' | 'outlined' | 'contained';
  maxWidth?: 'xs' | 'sm' | 'md';
  /** What it does cannot be undone, or is bad news for somebody. */
  isGrave?: boolean;
  /** What to say when it is done. */
  done: string | ((answer: unknown) => string);
  defaultValues?: Values;
  /** Calls the API, with the key that makes a repeat harmless. What it refuses is shown at its fields. */
  act: (values: Values, idempotencyKey: string) => Promise<unknown>;
  onDone?: () => void;
  /** The explanation, and the inputs. */
  children?: ReactNode;
}

/** A button that opens a form, and does one thing with it. */
export function ActionDialog(props: ActionDialogProps) {
  const [isOpen, setIsOpen] = useState(false);
  const { label, icon, variant = 'outlined', isGrave } = props;
  const button = useFocusKept<HTMLButtonElement>();
  return (
    <>
      <Button
        ref={button}
        size="small"
        variant={variant}
        color={isGrave ? 'error' : 'primary'}
        startIcon={icon}
        onClick={() => setIsOpen(true)}
      >
        {label}
      </Button>
      {isOpen && <OpenDialog {...props} close={() => setIsOpen(false)} />}
    </>
  );
}

function OpenDialog({ close, ...props }: ActionDialogProps & { close: () => void }) {
  const {
    label,
    title = label,
    confirmLabel = label,
    maxWidth = 'xs',
    isGrave,
    done,
    defaultValues,
    act,
    onDone,
    children,
  } = props;
  const notify = useNotify();
  const { key, renew } = useIdempotencyKey();
  const heading = useId();
  const [refusal, setRefusal] = useState<string>();
  const [isKept, setIsKept] = useState(false);
  const content = useRef<HTMLDivElement>(null);
  const buttons = useRef<HTMLDivElement>(null);
  const state = useRef<FormState>({ isDirty: false, isSubmitting: false });

  // By Escape, or by a click beside it, which both happen by accident.
  const closeUnlessLost = () => {
    const { isDirty, isSubmitting } = state.current;
    if (isSubmitting) return;
    if (isDirty) setIsKept(true);
    else close();
  };

  const submit = async (values: Values, event?: BaseSyntheticEvent) => {
    setRefusal(undefined);
    setIsKept(false);
    try {
      const answer = await act(values, key);
      notify(typeof done === 'string' ? done : done(answer), { type: 'success' });
      close();
      onDone?.();
    } catch (error) {
      const { message, body, status } = error as HttpError;
      // It was answered, but not as it was meant: that answer is what the key stands for now.
      if (status >= 200 && status < 300) renew();
      if (!body?.errors) return setRefusal(message);
      const { atInputs, others } = placed(body.errors, event?.target);
      if (others.length > 0) setRefusal(others.join(' '));
      return atInputs;
    }
  };

  return (
    <Dialog open onClose={closeUnlessLost} fullWidth maxWidth={maxWidth} aria-labelledby={heading}>
      {/* What is filled in is of this form, not of the record whose page it stands on. */}
      <RecordContextProvider value={undefined}>
        <Form
          onSubmit={submit}
          defaultValues={defaultValues}
          sanitizeEmptyValues
          disableInvalidFormNotification
        >
          <DialogTitle id={heading} variant="h2" sx={{ pt: 2.5 }}>
            {title}
          </DialogTitle>
          <DialogContent ref={content}>
            <Stack spacing={2}>
              {children}
              {refusal && <Alert severity="error">{refusal}</Alert>}
              {isKept && (
                <Alert severity="info">What is filled in has not been sent. “Back” gives it up.</Alert>
              )}
            </Stack>
          </DialogContent>
          <StateOfForm state={state} />
          <BeginsAt content={content} buttons={buttons} isGrave={isGrave} />
          <DialogActions ref={buttons} sx={{ px: 3, pb: 2 }}>
            <Button onClick={close}>Back</Button>
            <SaveButton label={confirmLabel} color={isGrave ? 'error' : 'primary'} alwaysEnable icon={null} />
          </DialogActions>
        </Form>
      </RecordContextProvider>
    </Dialog>
  );
}

type FormState = Pick<ReturnType<typeof useFormState>, 'isDirty' | 'isSubmitting'>;

/** Tells the dialog around the form how the form is. */
function StateOfForm({ state }: { state: RefObject<FormState> }) {
  const { isDirty, isSubmitting } = useFormState();
  useEffect(() => {
    state.current = { isDirty, isSubmitting };
  }, [state, isDirty, isSubmitting]);
  return null;
}

interface BeginsAtProps {
  content: RefObject<HTMLElement | null>;
  buttons: RefObject<HTMLElement | null>;
  isGrave: boolean | undefined;
}

/**
 * Who works by the keyboard begins at what is to be filled in: at the input that asks for it, or else at the first. Where there is
 * none, at the button for which the dialog was opened, but not at one that does harm.
 */
function BeginsAt({ content, buttons, isGrave }: BeginsAtProps) {
  useEffect(() => {
    if (content.current?.contains(document.activeElement)) return;
    const input = content.current?.querySelector<HTMLElement>('input, textarea');
    const button = buttons.current?.querySelector<HTMLElement>(isGrave ? 'button' : 'button[type=submit]');
    (input ?? button)?.focus();
  }, [content, buttons, isGrave]);
  return null;
}

/** What is wrong stands once: at its input, the first of which is gone to, or, where the form has none for it, by itself. */
function placed({ root: _, ...faults }: Record<string, string>, form: HTMLFormElement) {
  const named = Object.keys(faults).filter((field) => form.elements.namedItem(field) !== null);
  const first = named[0] && form.elements.namedItem(named[0]);
  if (first instanceof HTMLElement) first.focus();
  return {
    atInputs: Object.fromEntries(named.map((field) => [field, faults[field]])),
    others: Object.keys(faults).flatMap((field) => (named.includes(field) ? [] : [faults[field]])),
  };
}
