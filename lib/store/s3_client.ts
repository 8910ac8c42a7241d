/**
 * The SDK's client, told everything that it would otherwise look for in files and in the operating system, so that it
 * runs with permission for the network and for AWS_* variables alone. Repeating is ours (s3_attempt.ts), not the SDK's.
 */
import { S3Client } from "@aws-sdk/client-s3";

export interface S3Options {
  bucket: string;
  region: string;
  /** With scheme; null means AWS. */
  endpoint: string | null;
  /** The address that browsers use for the same store, when it differs. */
  public_endpoint: string | null;
  /** null leaves credentials to the SDK's default chain (which needs more permissions). */
  credentials: S3Credentials | null;
}

export interface S3Credentials {
  access_key_id: string;
  secret_access_key: string;
  session_token: string | null;
}

const CONNECT_MS = 5_000;
const MAX_SOCKETS = 128;

export interface Connections {
  /**
   * Whether a connection serves one request after another. On a used connection that ends without an answer, or whose
   * request is aborted, Deno 2.9 sends the request once more by itself and says nothing of it: a conditional create
   * would then meet its own object and hear "taken". So what decides goes over a connection of its own.
   */
  reuse: boolean;
}

export function s3Client(options: S3Options, endpoint: string | null, connections: Connections): S3Client {
  const agent = { maxSockets: MAX_SOCKETS, keepAlive: connections.reuse };
  const client = new S3Client({
    region: options.region,
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
    ...(options.credentials === null ? {} : { credentials: credentialsOf(options.credentials) }),
    maxAttempts: 1,
    // We give and ask for checksums ourselves where they are of use.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
    ...FOUND_IN_NO_FILE,
  });
  client.middlewareStack.remove("recursionDetectionMiddleware");
  return client;
}

/** Each of these the SDK would look up in ~/.aws, and fail where reading is not allowed. */
const FOUND_IN_NO_FILE = {
  defaultsMode: "standard",
  retryMode: "standard",
  useDualstackEndpoint: false,
  useFipsEndpoint: false,
  useArnRegion: false,
  disableS3ExpressSessionAuth: false,
  disableMultiregionAccessPoints: true,
  authSchemePreference: ["sigv4"],
  sigv4aSigningRegionSet: [],
  disableClockSkewCorrection: false,
  userAgentAppId: () => Promise.resolve(undefined),
  defaultUserAgentProvider: () => Promise.resolve<[string, string][]>([["millrace", "1"]]),
} satisfies ConstructorParameters<typeof S3Client>[0];

function credentialsOf(credentials: S3Credentials) {
  return {
    accessKeyId: credentials.access_key_id,
    secretAccessKey: credentials.secret_access_key,
    ...(credentials.session_token === null ? {} : { sessionToken: credentials.session_token }),
  };
}
