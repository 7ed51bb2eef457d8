import { QueryClient } from '@tanstack/react-query';
import { Admin, Resource } from 'react-admin';
import { authProvider } from './api/auth-provider';
import { dataProviderOf } from './api/data-provider';
import { Dashboard } from './dashboard';
import { Layout } from './layout/layout';
import { LoginPage } from './layout/login-page';
import { NotFound } from './layout/not-found';
import { RESOURCES } from './resources';
import { darkTheme, lightTheme } from './theme';
import { wordsOf } from './words';

const dataProvider = dataProviderOf(RESOURCES);
const i18nProvider = wordsOf(RESOURCES);

/**
 * What the API has refused it refuses again; only what never reached it, or found it busy, is asked once more. What the browser
 * thinks of the network is not asked: without one a query would wait for ever, and never say why.
 */
const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: 'always',
      refetchOnReconnect: true,
      refetchOnWindowFocus: false,
      retry: (failures, error) =>
        failures < 2 && [0, 502, 503].includes((error as { status?: number }).status ?? 0),
    },
    mutations: { networkMode: 'always' },
  },
});

export function App() {
  return (
    <Admin
      title="Holdfast"
      authProvider={authProvider}
      dataProvider={dataProvider}
      i18nProvider={i18nProvider}
      queryClient={queryClient}
      dashboard={Dashboard}
      layout={Layout}
      loginPage={LoginPage}
      catchAll={NotFound}
      theme={lightTheme}
      darkTheme={darkTheme}
      disableTelemetry
      requireAuth
    >
      {RESOURCES.map(({ api: _api, label: _label, one: _one, group: _group, ...resource }) => (
        <Resource key={resource.name} {...resource} />
      ))}
    </Admin>
  );
}
