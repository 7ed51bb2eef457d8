import { useState } from 'react';
import { CheckboxGroupInput, SimpleForm, TextInput, useRedirect } from 'react-admin';
import { CreatePage } from '../parts/create-page';
import { ShownOnce } from '../parts/shown-once';
import { type ApiKey, SCOPES } from './api-key.types';

const CHOICES = SCOPES.map((scope) => ({ id: scope, name: scope }));

export default function ApiKeyCreate() {
  const [made, setMade] = useState<(ApiKey & { key: string }) | null>(null);
  const redirect = useRedirect();
  return (
    <>
      <CreatePage
        title="New API key"
        mutationOptions={{ onSuccess: (apiKey: ApiKey & { key: string }) => setMade(apiKey) }}
      >
        <SimpleForm>
          <TextInput source="name" label="Who will use it" isRequired />
          <CheckboxGroupInput
            source="scopes"
            label="What they may do"
            choices={CHOICES}
            isRequired
            helperText="Neither implies the other."
          />
        </SimpleForm>
      </CreatePage>
      {made && (
        <ShownOnce
          title={`The key for ${made.name}`}
          label="API key, for the header X-Api-Key"
          secret={made.key}
          onClose={() => redirect('list', 'api-keys')}
        />
      )}
    </>
  );
}
