import type { AuthProvider } from 'react-admin';
import { signedInUser, signIn, signOut } from './session';

interface Credentials {
  email: string;
  password: string;
}

export const authProvider: AuthProvider = {
  login: ({ email, password }: Credentials) => signIn(email, password),
  logout: () => signOut(),
  checkAuth: async () => {
    if (!signedInUser()) throw { message: false };
  },
  // A 403 is about one call, not about who calls.
  checkError: async ({ status, message }: { status?: number; message?: string }) => {
    if (status === 401) throw { message };
  },
  getIdentity: async () => {
    const user = signedInUser();
    if (!user) throw new Error('nobody is signed in');
    return { id: user.id, fullName: user.name || user.email };
  },
  getPermissions: async () => signedInUser()?.role,
};
