import DeleteIcon from '@mui/icons-material/DeleteOutlined';
import { Typography } from '@mui/material';
import {
  type RedirectionSideEffect,
  useDelete,
  useGetRecordRepresentation,
  useRecordContext,
  useRedirect,
  useResourceContext,
} from 'react-admin';
import { ActionDialog } from './action-dialog';

export interface DeleteThisProps {
  /** What it is called; as in the name of its page unless that says too little. */
  name?: string;
  /** What becomes of whatever depends on it. */
  explanation: string;
  /** Where to go when it is gone. */
  redirect?: RedirectionSideEffect;
}

/** Deletes the record of the page, when it has been asked again. What the API refuses stands in the dialog. */
export function DeleteThis({ name, explanation, redirect = 'list' }: DeleteThisProps) {
  const resource = useResourceContext() ?? '';
  const record = useRecordContext();
  const nameOf = useGetRecordRepresentation(resource);
  const go = useRedirect();
  const [remove] = useDelete();
  if (!record) return null;
  return (
    <ActionDialog
      label="Delete"
      title={`Delete ${name ?? nameOf(record)}?`}
      icon={<DeleteIcon />}
      variant="text"
      isGrave
      done="Deleted."
      act={() =>
        remove(
          resource,
          { id: record.id, previousData: record },
          { mutationMode: 'pessimistic', returnPromise: true },
        )
      }
      onDone={() => go(redirect, resource)}
    >
      <Typography variant="body2">{explanation}</Typography>
    </ActionDialog>
  );
}
