import DoneIcon from '@mui/icons-material/CheckOutlined';
import CopyIcon from '@mui/icons-material/ContentCopyOutlined';
import { Button } from '@mui/material';
import { useState } from 'react';
import { useNotify } from 'react-admin';

/** Puts a text on the clipboard, and says so. */
export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const notify = useNotify();
  const copy = async () => {
    try {
      // Only there on https and localhost.
      await navigator.clipboard.writeText(text);
      setIsCopied(true);
    } catch {
      notify('The browser keeps its clipboard to itself here: mark the text and copy it.', {
        type: 'warning',
      });
    }
  };
  return (
    <Button size="small" variant="outlined" startIcon={isCopied ? <DoneIcon /> : <CopyIcon />} onClick={copy}>
      {isCopied ? 'Copied' : label}
    </Button>
  );
}
