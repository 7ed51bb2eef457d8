import DownloadIcon from '@mui/icons-material/DownloadOutlined';
import { useState } from 'react';
import { Button, useNotify } from 'react-admin';
import { download } from '../api/transfer';

const MEBIBYTE = 1_048_576;

/** Downloads the whole catalog as CSV, and says how much of it has come. */
export function ExportButton() {
  const [bytes, setBytes] = useState<number | null>(null);
  const notify = useNotify();
  const fetchFile = async () => {
    setBytes(0);
    try {
      await download('/products/export', 'products.csv', setBytes);
      notify('The catalog is in your downloads: products.csv', { type: 'success' });
    } catch (error) {
      notify((error as Error).message, { type: 'error' });
    }
    setBytes(null);
  };
  return (
    <Button
      label={bytes === null ? 'Export' : `${(bytes / MEBIBYTE).toFixed(1)} MiB`}
      onClick={fetchFile}
      disabled={bytes !== null}
    >
      <DownloadIcon />
    </Button>
  );
}
