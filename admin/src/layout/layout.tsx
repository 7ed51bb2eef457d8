import { Layout as AdminLayout, AppBar, type LayoutProps, TitlePortal } from 'react-admin';
import { AccountMenu } from './account-menu';
import { useDocumentTitle } from './document-title';
import { Menu } from './menu';
import { SignInAgain } from './sign-in-again';

/** The page's name is its first heading, wherever it stands. Inline, a long one ends in an ellipsis. */
function Bar() {
  useDocumentTitle();
  return (
    <AppBar alwaysOn color="default" userMenu={<AccountMenu />}>
      <TitlePortal component="h1" variant="h6" sx={{ '& .RaConfigurable-root': { display: 'inline' } }} />
    </AppBar>
  );
}

export function Layout({ children }: LayoutProps) {
  return (
    <AdminLayout appBar={Bar} appBarAlwaysOn menu={Menu}>
      {children}
      <SignInAgain />
    </AdminLayout>
  );
}
