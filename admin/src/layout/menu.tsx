import DashboardIcon from '@mui/icons-material/SpaceDashboardOutlined';
import {
  Box,
  List,
  ListItem,
  ListItemButton,
  ListItemIcon,
  ListItemText,
  ListSubheader,
  Tooltip,
} from '@mui/material';
import type { ComponentType } from 'react';
import { useHasDashboard, useSidebarState } from 'react-admin';
import { NavLink } from 'react-router-dom';
import { useNarrow } from '../parts/narrow';
import { RESOURCES } from '../resources';

/** As in the theme's `sidebar`. */
const OPEN_WIDTH = 216;
const CLOSED_WIDTH = 56;
const GROUPS = ['Sales', 'Catalog', 'System'] as const;

/** The resources that have a label, by group. Closed, only their icons are there; on a phone it closes when one is chosen. */
export function Menu() {
  const hasDashboard = useHasDashboard();
  const [isOpen] = useSidebarState();
  const shown = RESOURCES.filter(({ label, group }) => label && group);
  return (
    <Box component="nav" aria-label="Main" sx={{ py: 1, width: isOpen ? OPEN_WIDTH : CLOSED_WIDTH }}>
      {hasDashboard && (
        <List disablePadding>
          <Entry to="/" label="Dashboard" icon={DashboardIcon} />
        </List>
      )}
      {GROUPS.filter((group) => shown.some((resource) => resource.group === group)).map((group) => (
        <List key={group} disablePadding aria-label={group} subheader={<Heading>{group}</Heading>}>
          {shown
            .filter((resource) => resource.group === group)
            .map(({ name, label = name, icon }) => (
              <Entry key={name} to={`/${name}`} label={label} icon={icon} />
            ))}
        </List>
      ))}
    </Box>
  );
}

function Heading({ children }: { children: string }) {
  const [isOpen] = useSidebarState();
  if (!isOpen)
    return <Box component="li" role="separator" sx={{ my: 1, borderTop: 1, borderColor: 'divider' }} />;
  return (
    <ListSubheader
      disableSticky
      sx={{ lineHeight: '2rem', mt: 1, color: 'text.secondary', bgcolor: 'transparent' }}
    >
      {children}
    </ListSubheader>
  );
}

function Entry({ to, label, icon: Icon }: { to: string; label: string; icon?: ComponentType }) {
  const [isOpen, setIsOpen] = useSidebarState();
  const isPhone = useNarrow('sm');
  return (
    <ListItem disablePadding sx={{ px: 1 }}>
      <Tooltip title={isOpen ? '' : label} placement="right">
        <ListItemButton
          component={NavLink}
          to={to}
          end={to === '/'}
          onClick={() => isPhone && setIsOpen(false)}
          sx={{
            px: 1.25,
            minHeight: 40,
            borderRadius: 1,
            color: 'text.secondary',
            '&.active': { color: 'primary.main', bgcolor: 'action.selected' },
            '&.active .MuiListItemText-primary': { fontWeight: 650 },
          }}
        >
          <ListItemIcon sx={{ minWidth: 0, mr: 1.5, color: 'inherit' }}>{Icon && <Icon />}</ListItemIcon>
          <ListItemText primary={label} slotProps={{ primary: { noWrap: true, variant: 'body2' } }} />
        </ListItemButton>
      </Tooltip>
    </ListItem>
  );
}
