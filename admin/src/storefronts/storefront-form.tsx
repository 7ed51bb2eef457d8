import type { ReactElement } from 'react';
import { SimpleForm, TextInput, type ToolbarProps } from 'react-admin';

const textOrEmpty = (value: string) => value ?? '';

export function StorefrontForm({ toolbar }: { toolbar?: ReactElement<ToolbarProps> }) {
  return (
    <SimpleForm toolbar={toolbar}>
      <TextInput source="name" isRequired />
      <TextInput source="description" multiline minRows={3} parse={textOrEmpty} />
    </SimpleForm>
  );
}
