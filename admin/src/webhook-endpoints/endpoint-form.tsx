import { BooleanInput, CheckboxGroupInput, TextInput } from 'react-admin';
import { EVENT_CHOICES } from '../events/event.types';

const CHOICES = [{ id: '*', name: 'All events, also those to come' }, ...EVENT_CHOICES];
/** What was not typed is not sent. */
const textOrNothing = (value: string) => value || undefined;

interface EndpointInputsProps {
  /** What the secret's input says below itself. */
  aboutSecret: string;
}

export function EndpointInputs({ aboutSecret }: EndpointInputsProps) {
  return (
    <>
      <TextInput source="url" label="Address" type="url" isRequired />
      <CheckboxGroupInput
        source="events"
        label="Told of"
        choices={CHOICES}
        isRequired
        sx={{
          '& .MuiFormGroup-root': {
            display: 'grid',
            width: '100%',
            gridTemplateColumns: { xs: '1fr', sm: '1fr 1fr', md: '1fr 1fr 1fr' },
          },
          '& .MuiFormControlLabel-root:first-of-type': { gridColumn: '1 / -1' },
        }}
      />
      <TextInput
        source="secret"
        autoComplete="off"
        parse={textOrNothing}
        helperText={aboutSecret}
        slotProps={{ htmlInput: { spellCheck: false } }}
      />
      <BooleanInput
        source="active"
        helperText="Nothing is sent while it is switched off, and nothing later."
      />
    </>
  );
}
