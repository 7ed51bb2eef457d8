import UploadIcon from '@mui/icons-material/UploadFileOutlined';
import { Alert, Box, Button, Card, CardContent, LinearProgress, Stack, Typography } from '@mui/material';
import { type DragEvent, useId, useRef, useState } from 'react';
import { Title, useRefresh } from 'react-admin';
import { upload } from '../api/transfer';
import { type ImportReport, ImportReportCard } from './import-report';

type State =
  | { kind: 'idle' }
  | { kind: 'sending'; name: string; part: number }
  | { kind: 'refused'; name: string; message: string }
  | { kind: 'done'; name: string; report: ImportReport };

/** Takes products in from a CSV file, and tells of every row that was wrong. */
export default function ProductImport() {
  const [state, setState] = useState<State>({ kind: 'idle' });
  const refresh = useRefresh();

  const send = async (file: File) => {
    const { name } = file;
    setState({ kind: 'sending', name, part: 0 });
    try {
      const report = await upload<ImportReport>('/products/import', file, (part) =>
        setState({ kind: 'sending', name, part }),
      );
      setState({ kind: 'done', name, report });
      refresh();
    } catch (error) {
      setState({ kind: 'refused', name, message: (error as Error).message });
    }
  };

  return (
    <Stack spacing={2} sx={{ maxWidth: 880 }}>
      <Title title="Import products" />
      <Card>
        <CardContent>
          <Typography variant="h2">A CSV file</Typography>
          <Typography variant="body2" color="textSecondary" sx={{ mb: 2 }}>
            UTF-8, at most 64 MiB. The first line names the columns: sku, name and price, and what is wanted
            of description, category, image_url, storefront_id, parent_sku, low_stock_threshold, active and
            stock. A row is about the product that has its SKU in its storefront, or makes it; stock counts
            only then.
          </Typography>
          <FilePlace isBusy={state.kind === 'sending'} onFile={send} />
        </CardContent>
      </Card>
      {state.kind === 'sending' && <Progress {...state} />}
      {state.kind === 'refused' && (
        <Alert severity="error">
          {state.name} was not taken in: {state.message}
        </Alert>
      )}
      {state.kind === 'done' && <ImportReportCard name={state.name} report={state.report} />}
    </Stack>
  );
}

function FilePlace({ isBusy, onFile }: { isBusy: boolean; onFile: (file: File) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);
  const take = (files: FileList | null) => {
    const file = files?.[0];
    if (file && !isBusy) onFile(file);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setIsOver(false);
    take(event.dataTransfer.files);
  };
  return (
    <Box
      onDrop={drop}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      sx={{
        border: '2px dashed',
        borderColor: isOver ? 'primary.main' : 'divider',
        borderRadius: 1,
        p: 3,
        textAlign: 'center',
      }}
    >
      <input
        ref={input}
        type="file"
        accept=".csv,text/csv"
        hidden
        aria-label="CSV file"
        onChange={({ target }) => {
          take(target.files);
          // The same file, mended, is chosen again.
          target.value = '';
        }}
      />
      <Button
        variant="contained"
        startIcon={<UploadIcon />}
        disabled={isBusy}
        onClick={() => input.current?.click()}
      >
        Choose a file
      </Button>
      <Typography variant="body2" color="textSecondary" sx={{ mt: 1, display: { xs: 'none', sm: 'block' } }}>
        or drop it here
      </Typography>
    </Box>
  );
}

function Progress({ name, part }: { name: string; part: number }) {
  const label = useId();
  const isSent = part >= 1;
  return (
    <Card>
      <CardContent>
        <Typography id={label} sx={{ mb: 1 }} role="status">
          {isSent ? `Reading the rows of ${name}…` : `Sending ${name}: ${Math.floor(part * 100)} %`}
        </Typography>
        <LinearProgress
          aria-labelledby={label}
          variant={isSent ? 'indeterminate' : 'determinate'}
          value={part * 100}
        />
      </CardContent>
    </Card>
  );
}
