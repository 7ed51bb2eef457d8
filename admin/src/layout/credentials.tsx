import { TextField, type TextFieldProps } from '@mui/material';
import { type FormEvent, useState } from 'react';

/** Where the password of an account that there is already is asked for, in a form. */
export function PasswordField(props: Pick<TextFieldProps, 'autoFocus'>) {
  return (
    <TextField
      name="password"
      type="password"
      label="Password"
      autoComplete="current-password"
      required
      {...props}
    />
  );
}

/** A form that signs in: what is wrong with it, and whether the answer is awaited. Who is signed in leaves the form. */
export function useSigningIn(signIn: (form: FormData) => Promise<unknown>) {
  const [fault, setFault] = useState<string | null>(null);
  const [isUnderWay, setIsUnderWay] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setIsUnderWay(true);
    setFault(null);
    try {
      await signIn(form);
    } catch (error) {
      setFault((error as Error).message);
      setIsUnderWay(false);
    }
  };
  return { fault, isUnderWay, submit };
}
