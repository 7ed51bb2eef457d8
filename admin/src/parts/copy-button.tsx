import DoneIcon from '@mui/icons-material/CheckOutlined';
import CopyIcon from '@mui/icons-material/ContentCopyOutlined';
import { Box, Button, IconButton } from '@mui/material';
import { type ReactNode, useState } from 'react';
import { useNotify } from 'react-admin';
import { shortId } from './texts';

/** Puts a text on the clipboard, and says so. */
export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const { isCopied, copy } = useCopy(text);
  return (
    <Button size="small" variant="outlined" startIcon={isCopied ? <DoneIcon /> : <CopyIcon />} onClick={copy}>
      {isCopied ? 'Copied' : label}
    </Button>
  );
}

interface CopyableIdProps {
  id: string;
  /** What is shown of it; its end, unless there is something better. */
  children?: ReactNode;
}

/** An id: enough of it to tell it from others, and, where that is not all of it, a way to have all. */
export function CopyableId({ id, children = shortId(id) }: CopyableIdProps) {
  const { isCopied, copy } = useCopy(id);
  if (shortId(id) === id) return children;
  const Icon = isCopied ? DoneIcon : CopyIcon;
  return (
    <Box component="span" sx={{ whiteSpace: 'nowrap' }} title={id}>
      {children}
      <IconButton
        aria-label={isCopied ? 'Copied' : `Copy ${id}`}
        color="inherit"
        onClick={copy}
        // As large as a finger, in a line as high as its text.
        sx={{ p: 1.5, my: -1.5, ml: -0.5, fontSize: '1rem' }}
      >
        <Icon fontSize="inherit" />
      </IconButton>
    </Box>
  );
}

function useCopy(text: string) {
  const [isCopied, setIsCopied] = useState(false);
  const notify = useNotify();
  const copy = async () => {
    try {
      // Only there on https and localhost.
      await navigator.clipboard.writeText(text);
      setIsCopied(true);
    } catch {
      notify(`The browser keeps its clipboard to itself here: mark the text and copy it. ${text}`, {
        type: 'warning',
      });
    }
  };
  return { isCopied, copy };
}
