import { describeStory, startEmbedded } from '@signet/testing';

describeStory('embedded', startEmbedded);
