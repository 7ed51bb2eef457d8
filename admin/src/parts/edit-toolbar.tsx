import { SaveButton, Toolbar } from 'react-admin';
import { DeleteThis, type DeleteThisProps } from './delete-this';

interface EditToolbarProps extends DeleteThisProps {
  /** There is nothing of it to be changed. */
  isFixed?: boolean;
}

/** The foot of a form: saves what was changed, or deletes the whole. */
export function EditToolbar({ isFixed, ...props }: EditToolbarProps) {
  return (
    <Toolbar sx={{ justifyContent: 'space-between' }}>
      {isFixed ? <span /> : <SaveButton />}
      <DeleteThis {...props} />
    </Toolbar>
  );
}
