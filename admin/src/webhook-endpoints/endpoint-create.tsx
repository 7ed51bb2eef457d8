import { useState } from 'react';
import { SimpleForm, useRedirect } from 'react-admin';
import { CreatePage } from '../parts/create-page';
import { ShownOnce } from '../parts/shown-once';
import { EndpointInputs } from './endpoint-form';
import type { Endpoint } from './webhook.types';

export default function EndpointCreate() {
  const [made, setMade] = useState<(Endpoint & { secret: string }) | null>(null);
  const redirect = useRedirect();
  return (
    <>
      <CreatePage
        title="New webhook endpoint"
        mutationOptions={{ onSuccess: (endpoint: Endpoint & { secret: string }) => setMade(endpoint) }}
      >
        <SimpleForm defaultValues={{ active: true, events: ['*'] }}>
          <EndpointInputs aboutSecret="whsec_ and base64. Left empty, one is made." />
        </SimpleForm>
      </CreatePage>
      {made && (
        <ShownOnce
          title="The endpoint is added"
          label="Secret, by which the receiver knows that we have sent it"
          secret={made.secret}
          onClose={() => redirect('edit', 'webhook-endpoints', made.id)}
        />
      )}
    </>
  );
}
