import FineIcon from '@mui/icons-material/CheckCircleOutlined';
import ErrorIcon from '@mui/icons-material/ErrorOutlined';
import WaitingIcon from '@mui/icons-material/HourglassEmptyOutlined';
import WarningIcon from '@mui/icons-material/WarningAmberOutlined';
import { Box, Typography } from '@mui/material';
import type { ReactNode } from 'react';
import { Link, listPath } from '../parts/link';
import { Section } from '../parts/section';
import { countedText, timeText } from '../parts/texts';
import type { DashboardFigures } from './dashboard.types';

/** As `/health/ready` does: events that wait for so long have a relay that does not run. */
const LATE_SECONDS = 60;

type State = 'fine' | 'waiting' | 'warning' | 'error';

const ICONS: Record<State, ReactNode> = {
  fine: <FineIcon color="success" aria-label="Fine" />,
  waiting: <WaitingIcon color="action" aria-label="Not known yet" />,
  warning: <WarningIcon color="warning" aria-label="Look at it" />,
  error: <ErrorIcon color="error" aria-label="Something is wrong" />,
};

/** Whether the service does what it promises, and what waits for somebody. */
export function SystemState({ figures }: { figures: DashboardFigures }) {
  const { outbox, dead_letters, payments, reservations } = figures;
  return (
    <Section title="State of the service">
      <Box component="ul" sx={{ m: 0, p: 0, listStyle: 'none' }}>
        <Audit audit={figures.audit} />
        <Row
          title="Outbox"
          state={outbox.lag_seconds < LATE_SECONDS ? 'fine' : 'warning'}
          told={
            outbox.backlog === 0
              ? 'Every event is handed on.'
              : `${countedText(outbox.backlog, 'event')} waiting, the oldest for ${spanText(outbox.lag_seconds)}.`
          }
        />
        <Row
          title="Dead letters"
          state={dead_letters === 0 ? 'fine' : 'error'}
          told={
            dead_letters === 0 ? (
              'None.'
            ) : (
              <Link to="/dead-letters">{countedText(dead_letters, 'event')} could not be acted on</Link>
            )
          }
        />
        <Row
          title="Payments"
          state={payments.unknown === 0 ? 'fine' : 'warning'}
          told={
            payments.unknown === 0
              ? 'Of every one it is known what became of it.'
              : `${countedText(payments.unknown, 'outcome')} not known, the oldest for ${spanText(payments.oldest_unknown_seconds)}. They are being settled.`
          }
        />
        <Row
          title="Overdue holds"
          state="fine"
          told={
            reservations.overdue === 0 ? (
              'None.'
            ) : (
              <Link to={listPath('reservations', { status: 'active' })}>
                {countedText(reservations.overdue, 'hold')} past their time, free for whoever needs the goods
              </Link>
            )
          }
        />
      </Box>
    </Section>
  );
}

function Audit({ audit }: Pick<DashboardFigures, 'audit'>) {
  if (!audit) return <Row title="Audit" state="waiting" told="This process has not run one yet." />;
  const at = timeText(audit.checked_at);
  return audit.consistent ? (
    <Row title="Audit" state="fine" told={`Stock, orders, money and events agree, ${at}.`} />
  ) : (
    <Row
      title="Audit"
      state="error"
      told={`The tables do not agree, ${at}: see the log, or GET /inventory/audit.`}
    />
  );
}

function Row({ title, state, told }: { title: string; state: State; told: ReactNode }) {
  return (
    <Box component="li" sx={{ py: 0.75, display: 'flex', gap: 1.5 }}>
      {ICONS[state]}
      <div>
        <Typography variant="body2" sx={{ fontWeight: 600 }}>
          {title}
        </Typography>
        <Typography variant="body2" color="textSecondary">
          {told}
        </Typography>
      </div>
    </Box>
  );
}

function spanText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
