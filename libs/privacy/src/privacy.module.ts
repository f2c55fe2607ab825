import { Module } from '@nestjs/common';
import { SubjectStores } from './subject-stores.js';

/** The one register of what is kept about subjects. */
@Module({ providers: [SubjectStores], exports: [SubjectStores] })
export class PrivacyModule {}
