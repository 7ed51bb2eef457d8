import { SetMetadata } from '@nestjs/common';

export const IS_PUBLIC = 'holdfast:public';

/** The route is for everybody: a token is read when there is one, and not asked for. */
export const Public = () => SetMetadata(IS_PUBLIC, true);
