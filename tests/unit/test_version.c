/* SPDX-License-Identifier: MIT */
/* The version is one everywhere, and every error has words. */
#include <hail/version.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

Test(version, the_library_the_header_and_the_project_agree)
{
	char number[32];

	cr_assert_str_eq(hail_version(), HAIL_VERSION);
	cr_assert_str_eq(HAIL_VERSION, PROJECT_VERSION);
	snprintf(number, sizeof(number), "%d.%d.%d", HAIL_VERSION_NUMBER >> 16,
		 HAIL_VERSION_NUMBER >> 8 & 0xff, HAIL_VERSION_NUMBER & 0xff);
	cr_assert_str_eq(number, HAIL_VERSION);
}

Test(strerror, takes_the_answer_of_a_call_and_the_errno_alike)
{
	cr_assert_str_eq(hail_strerror(-EMSGSIZE), "Message too long");
	cr_assert_str_eq(hail_strerror(EMSGSIZE), "Message too long");
	cr_assert_str_eq(hail_strerror(0), "Success");
}

Test(strerror, has_words_for_every_errno_that_hail_names)
{
	static const int errors[] = {
		EAGAIN,       EBUSY,    EBADF,   EDESTADDRREQ,  EISCONN,
		EAFNOSUPPORT, EINVAL,   EPERM,   ENETUNREACH,   EACCES,
		ECONNREFUSED, EMFILE,   ENFILE,  ENOMEM,        ENOTSUP,
		EADDRINUSE,   ENODEV,   ENOENT,  EADDRNOTAVAIL, ENOSPC,
		EOPNOTSUPP,   ENOTCONN, ENOBUFS, ENOSYS,        E2BIG,
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		cr_assert_str_neq(hail_strerror(-errors[i]), "Unknown error");
		cr_assert_str_neq(hail_strerror(-errors[i]), "");
	}
}

Test(strerror, has_words_for_every_number)
{
	static const int errors[] = {41,      4096,     -4096,
				     INT_MAX, -INT_MAX, INT_MIN};

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		cr_assert_str_eq(hail_strerror(errors[i]), "Unknown error");
}

Test(strerror, the_text_is_constant)
{
	const char *text = hail_strerror(-EINVAL);

	hail_strerror(-12345);
	cr_assert_eq(hail_strerror(-EINVAL), text);
}
