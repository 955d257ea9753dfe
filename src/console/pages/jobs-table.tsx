/** Jobs, a row each: what was asked, through whom, how it ended. */
import { runnerById } from '../live/fleet.ts';
import { hrefOf } from '../route.ts';
import type { Job } from '../service/records.ts';
import { clockTime, durationText, exactTime } from '../text/time.ts';
import { memo } from '../ui/memo.tsx';
import { Pill } from '../ui/pill.tsx';
import { Name, Said } from '../ui/text.tsx';

export function JobsTable({ jobs, withoutRunner }: { jobs: readonly Job[]; withoutRunner?: boolean }) {
  return (
    <table class="table stacked jobs-table">
      <caption class="unseen">Jobs, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Asked</th>
          <th scope="col">State</th>
          <th scope="col">Began</th>
          {!withoutRunner && <th scope="col">Runner</th>}
          <th scope="col" class="number">
            Rows
          </th>
          <th scope="col" class="number">
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {jobs.map(job => (
          <JobRow
            key={job.id}
            job={job}
            runner={
              withoutRunner || job.runnerId === null
                ? undefined
                : (runnerById(job.runnerId)?.name ?? 'deleted')
            }
            withoutRunner={withoutRunner ?? false}
          />
        ))}
      </tbody>
    </table>
  );
}

const JobRow = memo((props: { job: Job; runner: string | undefined; withoutRunner: boolean }) => {
  const { job, runner, withoutRunner } = props;
  return (
    <tr>
      <th scope="row" class="primary">
        <span class="job-kind">{job.kind}</span> <Name>{job.source}</Name>
        {job.target !== '' && (
          <>
            <span class="muted"> / </span>
            <Name>{job.target}</Name>
          </>
        )}
        {job.error !== null && (
          <span class="job-error">
            <code>{job.error.code}</code> <Said>{job.error.message}</Said>
          </span>
        )}
      </th>
      <td class="status">
        <Pill state={job.state} />
      </td>
      <td data-label="Began">
        <time dateTime={job.createdAt} title={exactTime(job.createdAt)}>
          {clockTime(job.createdAt, Date.now())}
        </time>
      </td>
      {!withoutRunner && (
        <td data-label="Runner">
          {runner === undefined ? (
            <span class="muted">none yet</span>
          ) : (
            <a href={hrefOf('runners', runner)}>
              <Name>{runner}</Name>
            </a>
          )}
          {job.attempts > 1 && <span class="tag tag-warn">attempt {job.attempts}</span>}
        </td>
      )}
      <td data-label="Rows" class="number">
        {job.rows.toLocaleString()}
      </td>
      <td data-label="Took" class="number">
        {job.endedAt === null ? '…' : durationText(Date.parse(job.endedAt) - Date.parse(job.createdAt))}
      </td>
    </tr>
  );
});
