import { Box } from '@mui/material';
import { SimpleForm, useRecordContext } from 'react-admin';
import { EditPage } from '../parts/edit-page';
import { EditToolbar } from '../parts/edit-toolbar';
import { Deliveries } from './deliveries';
import { EndpointInputs } from './endpoint-form';
import type { Endpoint } from './webhook.types';

export default function EndpointEdit() {
  return (
    <EditPage component="div">
      <EndpointPage />
    </EditPage>
  );
}

function EndpointPage() {
  const endpoint = useRecordContext<Endpoint>();
  if (!endpoint) return null;
  return (
    <Box sx={{ maxWidth: 1080, display: 'grid', gap: 2 }}>
      <Box sx={{ bgcolor: 'background.paper', border: 1, borderColor: 'divider', borderRadius: 1 }}>
        <SimpleForm
          toolbar={
            <EditToolbar explanation="Nothing is sent to it any more, and what has been sent is forgotten." />
          }
        >
          <EndpointInputs aboutSecret="Kept to itself. A new one counts from the next delivery on." />
        </SimpleForm>
      </Box>
      <Deliveries endpointId={endpoint.id} />
    </Box>
  );
}
