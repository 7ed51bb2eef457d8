import { alpha, type Theme, type ThemeOptions } from '@mui/material/styles';
import { deepmerge } from '@mui/utils';
import { defaultDarkTheme, defaultLightTheme } from 'react-admin';

const FONTS =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif';

/** As large as a finger, where one is likely. */
const TARGET = 40;
const byFinger = (theme: Theme, styles: object) => ({
  [theme.breakpoints.down('sm')]: styles,
  '@media (pointer: coarse)': styles,
});

/** The fonts of the system: nothing is loaded from elsewhere. */
const common: ThemeOptions = {
  shape: { borderRadius: 8 },
  // Who wants no motion gets none.
  motion: { reducedMotion: 'system' },
  sidebar: { width: 216, closedWidth: 56 },
  typography: {
    fontFamily: FONTS,
    h1: { fontSize: '1.375rem', fontWeight: 650, lineHeight: 1.3 },
    h2: { fontSize: '1.0625rem', fontWeight: 650, lineHeight: 1.4 },
    h3: { fontSize: '0.9375rem', fontWeight: 650, lineHeight: 1.4 },
    h6: { fontSize: '1.0625rem', fontWeight: 650 },
    button: { textTransform: 'none', fontWeight: 600 },
  },
  components: {
    MuiCssBaseline: {
      styleOverrides: {
        // What the keyboard goes to is not hidden behind the bar, nor behind the foot of a form.
        html: { scrollPaddingTop: 72, scrollPaddingBottom: 88 },
        main: { outline: 'none' },
        // The theme stills what is MUI's own; react-admin and the charts bring some more.
        '@media (prefers-reduced-motion: reduce)': {
          '*, *::before, *::after': { transition: 'none !important', scrollBehavior: 'auto !important' },
        },
      },
    },
    MuiTextField: { defaultProps: { variant: 'outlined' } },
    MuiFormControl: { defaultProps: { variant: 'outlined' } },
    MuiPaper: { styleOverrides: { root: { backgroundImage: 'none' } } },
    MuiCircularProgress: { defaultProps: { 'aria-label': 'Loading' } },
    MuiLinearProgress: { defaultProps: { 'aria-label': 'Loading' } },
    // Clipped, not scrolled: what sticks to the window does so within a card, too.
    MuiCard: { defaultProps: { variant: 'outlined' }, styleOverrides: { root: { overflow: 'clip' } } },
    MuiAppBar: {
      defaultProps: { elevation: 0, color: 'default' },
      styleOverrides: {
        root: ({ theme }) => ({
          backgroundColor: theme.palette.background.paper,
          color: theme.palette.text.primary,
          borderBottom: `1px solid ${theme.palette.divider}`,
          borderRadius: 0,
        }),
      },
    },
    MuiButtonBase: {
      styleOverrides: {
        root: ({ theme }) => ({
          '&.Mui-focusVisible': { outline: `2px solid ${theme.palette.primary.main}`, outlineOffset: 2 },
        }),
      },
    },
    MuiButton: {
      styleOverrides: { root: ({ theme }) => byFinger(theme, { minHeight: TARGET }) },
    },
    MuiIconButton: {
      styleOverrides: { root: ({ theme }) => byFinger(theme, { minWidth: TARGET, minHeight: TARGET }) },
    },
    MuiToggleButton: {
      styleOverrides: { root: ({ theme }) => byFinger(theme, { minHeight: TARGET }) },
    },
    MuiSwitch: {
      styleOverrides: { root: ({ theme }) => byFinger(theme, { height: TARGET, padding: 13 }) },
    },
    MuiFormControlLabel: {
      styleOverrides: { root: ({ theme }) => byFinger(theme, { minHeight: TARGET }) },
    },
    MuiLink: {
      styleOverrides: {
        // It takes more than it shows.
        root: ({ theme }) =>
          byFinger(theme, {
            position: 'relative',
            '&::after': { content: '""', position: 'absolute', inset: '-10px 0' },
          }),
      },
    },
    MuiDialog: {
      styleOverrides: {
        paper: ({ theme }) => ({
          overflowWrap: 'anywhere',
          // What is filled in scrolls between the title and the buttons.
          '& > form': { display: 'flex', flexDirection: 'column', minHeight: 0 },
          [theme.breakpoints.down('sm')]: {
            margin: 16,
            width: 'calc(100% - 32px)',
            maxHeight: 'calc(100% - 32px)',
          },
        }),
      },
    },
    MuiTableCell: {
      styleOverrides: {
        root: ({ theme }) => ({
          borderColor: theme.palette.divider,
          fontVariantNumeric: 'tabular-nums',
          [theme.breakpoints.down('sm')]: {
            paddingLeft: 8,
            paddingRight: 8,
            // In line with the heading of the card.
            '&:first-of-type': { paddingLeft: 16 },
            '&:last-of-type': { paddingRight: 16 },
          },
        }),
        head: ({ theme }) => ({ fontWeight: 600, color: theme.palette.text.secondary }),
      },
    },
    MuiTableRow: { styleOverrides: { root: { '&:last-child td': { borderBottom: 0 } } } },
    MuiCardContent: { styleOverrides: { root: { '&:last-child': { paddingBottom: 16 } } } },
    MuiChip: { styleOverrides: { root: { fontWeight: 600 } } },
    RaLayout: {
      styleOverrides: {
        root: ({ theme }: { theme: Theme }) => ({
          minWidth: 0,
          // A wide table scrolls within its card; the page never does.
          '& .RaShow-card, & .RaEdit-card, & .RaCreate-card, & .RaList-content': { minWidth: 0 },
          // A form alone on its page is not wider than what is to be read.
          '& .RaEdit-card.MuiCard-root, & .RaCreate-card.MuiCard-root': { maxWidth: 880 },
          '& .RaLayout-content': {
            minWidth: 0,
            padding: theme.spacing(2, 3, 4),
            [theme.breakpoints.down('sm')]: { padding: theme.spacing(1, 1.5, 3) },
          },
        }),
      },
    },
    RaSimpleList: {
      styleOverrides: {
        root: {
          // What stands at the right stays there, however long the name is.
          '& .MuiListItemText-primary > div': { display: 'flex', gap: 8, overflowWrap: 'anywhere' },
          '& .RaSimpleList-tertiary': {
            opacity: 1,
            float: 'none',
            flexShrink: 0,
            marginLeft: 'auto',
            fontVariantNumeric: 'tabular-nums',
          },
        },
      },
    },
    RaCreateButton: {
      defaultProps: { variant: 'contained' },
      styleOverrides: { root: { '&.RaCreateButton-floating': { bottom: 16 } } },
    },
    RaList: {
      styleOverrides: {
        root: ({ theme }: { theme: Theme }) => ({
          // Below the last row there is room for the button that floats.
          [theme.breakpoints.down('sm')]: { paddingBottom: theme.spacing(8) },
        }),
      },
    },
    RaSidebar: {
      styleOverrides: {
        root: ({ theme }: { theme: Theme }) => ({
          '& .MuiDrawer-paper': { backgroundColor: theme.palette.background.paper },
          [theme.breakpoints.up('sm')]: {
            borderRight: `1px solid ${theme.palette.divider}`,
            backgroundColor: theme.palette.background.paper,
          },
        }),
      },
    },
    RaSimpleForm: {
      styleOverrides: {
        root: ({ theme }: { theme: Theme }) => ({
          // The foot of the form is part of its card: no room is to be left for it.
          [theme.breakpoints.down('sm')]: { paddingBottom: 8 },
        }),
      },
    },
    RaSkipNavigationButton: {
      styleOverrides: {
        root: ({ theme }: { theme: Theme }) => ({
          '&, &:hover': {
            backgroundColor: theme.palette.primary.main,
            color: theme.palette.primary.contrastText,
            opacity: 1,
          },
        }),
      },
    },
    RaToolbar: {
      styleOverrides: {
        root: ({ theme }: { theme: Theme }) => ({
          backgroundColor: alpha(theme.palette.text.primary, 0.04),
          borderTop: `1px solid ${theme.palette.divider}`,
          // On a phone it stays at the foot of the window for as long as its form is there, and covers nothing else.
          '&.RaToolbar-mobileToolbar': {
            position: 'sticky',
            padding: theme.spacing(1, 2),
            backgroundColor: theme.palette.background.paper,
            zIndex: 2,
          },
        }),
      },
    },
    RaListToolbar: {
      styleOverrides: {
        root: ({ theme }: { theme: Theme }) => ({
          [theme.breakpoints.down('sm')]: { backgroundColor: 'transparent' },
        }),
      },
    },
    RaFilterForm: {
      styleOverrides: {
        root: ({ theme }: { theme: Theme }) => ({
          [theme.breakpoints.down('sm')]: { '& .RaFilterFormInput-spacer': { display: 'none' } },
        }),
      },
    },
    RaTopToolbar: {
      styleOverrides: {
        root: ({ theme }: { theme: Theme }) => ({
          alignItems: 'center',
          [theme.breakpoints.down('md')]: { flexWrap: 'wrap' },
          [theme.breakpoints.down('sm')]: {
            backgroundColor: 'transparent',
            width: '100%',
            minHeight: 0,
            padding: theme.spacing(1, 0),
            columnGap: 4,
          },
        }),
      },
    },
  },
} as ThemeOptions;

export const lightTheme: ThemeOptions = deepmerge(deepmerge(defaultLightTheme, common), {
  palette: {
    primary: { main: '#1f5f5b', light: '#3f827d', dark: '#134340', contrastText: '#fff' },
    secondary: { main: '#1f5f5b', contrastText: '#fff' },
    background: { default: '#f5f6f5', paper: '#fff' },
    text: { primary: '#1b2423', secondary: '#53605e' },
    success: { main: '#2a6b36' },
    warning: { main: '#8a5200' },
    error: { main: '#b3261e' },
    info: { main: '#23608f' },
  },
});

export const darkTheme: ThemeOptions = deepmerge(deepmerge(defaultDarkTheme, common), {
  palette: {
    mode: 'dark',
    primary: { main: '#7fcdc4', contrastText: '#062523' },
    secondary: { main: '#7fcdc4', contrastText: '#062523' },
    background: { default: '#121716', paper: '#1a2120' },
    text: { primary: '#e6ecea', secondary: '#a9b6b3' },
    success: { main: '#86cf92' },
    warning: { main: '#f0b45f' },
    error: { main: '#f2a09a' },
    info: { main: '#8dc1ec' },
  },
});
