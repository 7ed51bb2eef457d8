import { SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

export const IS_PUBLIC = 'holdfast:public';

/** The route is for everybody: a token is read when there is one, and not asked for. */
export const Public = () => SetMetadata(IS_PUBLIC, true);

/**
 * False for probes and other machine surfaces, which stand outside of the API. They are not limited, and whoever shows them
 * a token is not looked up: a probe asks whether the process lives, not whether its database does.
 */
export const isOfApi = ({ routeOptions }: FastifyRequest) => routeOptions.url?.startsWith('/api/') === true;
