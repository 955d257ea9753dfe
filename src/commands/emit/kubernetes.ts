/** `run --emit kubernetes`: what `kubectl apply` takes, without the Secret. */
import { imageOf } from '../../version.ts';
import {
  type Deployment,
  environmentOf,
  quoted,
  runOptions,
  SECRETS,
  serviceName,
  stopSeconds,
  UID,
} from './deployment.ts';

/** Ports of the databases that our bridges speak to. */
const DATABASE_PORTS = [5432, 3306];

export function kubernetesManifest(deployment: Deployment): string {
  const name = serviceName(deployment);
  const labels = `app.kubernetes.io/name: semilayer-runner\n{}app.kubernetes.io/instance: ${name}`;
  const labelled = (indent: number): string => labels.replace('{}', ' '.repeat(indent));
  const { port, protocol } = new URL(deployment.gatewayUrl);
  const gatewayPort = port === '' ? (protocol === 'ws:' ? 80 : 443) : Number(port);
  const environment = environmentOf(deployment, `${SECRETS}/semilayer/token`);
  return `# The token is a Secret, which is not here:
#   kubectl create secret generic ${name}-token --from-file=token=./token
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  labels:
    ${labelled(4)}
spec:
  replicas: 2
  selector:
    matchLabels:
      ${labelled(6)}
  # A new runner is connected before an old one leaves.
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  template:
    metadata:
      labels:
        ${labelled(8)}
    spec:
      # Longer than --grace-period: jobs under way end by themselves.
      terminationGracePeriodSeconds: ${stopSeconds(deployment)}
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        runAsNonRoot: true
        runAsUser: ${UID}
        runAsGroup: ${UID}
        fsGroup: ${UID}
        seccompProfile:
          type: RuntimeDefault
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              ${labelled(14)}
      containers:
        - name: runner
          image: ${imageOf(deployment.version)}
          args: [${['run', ...runOptions(deployment)].map(quoted).join(', ')}]
          env:
${environment.map(([variable, value]) => `            - name: ${variable}\n              value: ${quoted(value)}`).join('\n')}
            - name: SEMILAYER_HEALTH_HOST
              value: "0.0.0.0"
          ports:
            - name: health
              containerPort: ${deployment.healthPort}
          livenessProbe:
            httpGet:
              path: /livez
              port: health
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
          readinessProbe:
            httpGet:
              path: /readyz
              port: health
            periodSeconds: 2
            timeoutSeconds: 2
            failureThreshold: 3
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
            limits:
              memory: 256Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
          volumeMounts:
            - name: token
              mountPath: ${SECRETS}/semilayer
              readOnly: true
      volumes:
        - name: token
          secret:
            secretName: ${name}-token
            defaultMode: 0440
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: ${name}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      ${labelled(6)}
---
# Nothing dials in; probes come from the node itself. A runner needs names, its gateway and its databases.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: ${name}
spec:
  podSelector:
    matchLabels:
      ${labelled(6)}
  policyTypes: [Ingress, Egress]
  ingress: []
  egress:
    - ports:
        - { protocol: UDP, port: 53 }
        - { protocol: TCP, port: 53 }
    - ports:
${[gatewayPort, ...DATABASE_PORTS].map(one => `        - { protocol: TCP, port: ${one} }`).join('\n')}
`;
}
